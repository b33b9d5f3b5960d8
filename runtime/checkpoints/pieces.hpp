// What is kept of a document that is expensive to start again: what was read of it, what its images
// say, the embeddings of its chunks. Each kind is written down as contents of segments
// (segment.hpp).
//
// Pure. Decoders trust nothing: what does not have the form that its encoder gives is nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/commit/document_result.hpp"
#include "runtime/core/document.hpp"

namespace millrace {

enum class piece_kind : std::uint8_t {
  pages,       ///< A part of what the extractor answered; numbered from 0.
  images,      ///< Described images; numbered by the images before them.
  embeddings,  ///< Of consecutive chunks; numbered by the first chunk.
};

/// As in checkpoints.kind.
std::string_view to_string(piece_kind kind);

struct described_image {
  image_record image;
  bool kept = false;  ///< False: decoration.
};

/// What was read of a document: all of it, or its first pages.
struct restored_extraction {
  std::optional<extracted_document> document;  ///< Only where every piece of it is there.
  std::uint32_t pages = 0;                     ///< Else the pages that are finished,
  std::vector<element> elements;               ///< what they say,
  std::size_t pieces = 0;                      ///< and the number of pieces that hold them.
};

/// All that was found again of one document.
struct saved_pieces {
  std::string key;  ///< checkpoint_key() of all of them.
  restored_extraction extraction;
  std::map<std::string, described_image> images;                   ///< By sha256.
  std::map<std::size_t, std::vector<embedding_bytes>> embeddings;  ///< By first chunk.
};

/// Where an extraction is cut.
inline constexpr std::size_t piece_bytes = 4U << 20;
/// Text that a restored extraction may have; no extractor answers more.
inline constexpr std::uint64_t max_restored_text = 64U << 20;

std::string encode_embeddings(std::span<const embedding_bytes> embeddings);
std::optional<std::vector<embedding_bytes>> decode_embeddings(std::string_view content);

std::string encode_images(std::span<const described_image> images);
std::optional<std::vector<described_image>> decode_images(std::string_view content);

/// In the frames of the extractor's protocol: a piece begins with a progress frame, the pages
/// before it, and ends with another, the pages that are finished with it.
std::string encode_pages(const finished_pages& pages);
/// The end of a document: its elements from `first_element` on, which stand behind `first_page`
/// pages. Of several pieces where they are large.
std::vector<std::string> encode_extraction(const extracted_document& document,
                                           std::size_t first_element = 0,
                                           std::uint32_t first_page = 0);
/// Of the pieces in their order: as much as fits together.
restored_extraction decode_extraction(std::span<const std::string> pieces);

}  // namespace millrace
