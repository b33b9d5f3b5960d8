// A segment: some finished embeddings of a document, compressed, checked and versioned, so that
// what comes back from storage is either exactly what was saved or nothing.
//
// Pure. Format 1: zstd with its content checksum over
//   "MRC1" | count u32 | for each embedding: size u32, bytes      (little-endian)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/document.hpp"

namespace millrace {

/// What a piece of work depends on: 32 bytes, equal only where the bytes of the document, the
/// options, the model and this format are. A source that changed, or a checkpoint of another
/// version, has another key.
std::string checkpoint_key(const std::string& content_sha256, const std::string& options,
                           const std::string& model);

/// Larger ones are neither made nor read.
inline constexpr std::size_t max_segment_content = 64U << 20;

/// Empty where the embeddings are too large for one segment.
std::string encode_segment(std::span<const embedding_bytes> embeddings);
/// Nothing where the segment is truncated, changed, too large or of another format.
std::optional<std::vector<embedding_bytes>> decode_segment(const std::string& segment);

}  // namespace millrace
