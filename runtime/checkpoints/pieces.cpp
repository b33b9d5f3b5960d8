#include "runtime/checkpoints/pieces.hpp"

#include "runtime/checkpoints/segment.hpp"
#include "runtime/core/utf8.hpp"
#include "runtime/extraction/protocol.hpp"
#include "runtime/extraction/wire.hpp"

namespace millrace {

namespace {

namespace wire = extraction::wire;

constexpr std::uint64_t document_number = 1;  ///< A piece is of one document.

}  // namespace

std::string_view to_string(piece_kind kind) {
  switch (kind) {
    case piece_kind::pages:
      return "pages";
    case piece_kind::images:
      return "images";
    case piece_kind::embeddings:
      return "embeddings";
  }
  return "";
}

std::string encode_embeddings(std::span<const embedding_bytes> embeddings) {
  std::string content;
  wire::append(content, static_cast<std::uint32_t>(embeddings.size()));
  for (const auto& e : embeddings) wire::append(content, std::string_view{e});
  return content;
}

std::optional<std::vector<embedding_bytes>> decode_embeddings(std::string_view content) {
  wire::reader in{content};
  const auto count = in.integer<std::uint32_t>();
  if (!in.ok() || count > content.size() / sizeof(std::uint32_t)) return std::nullopt;
  std::vector<embedding_bytes> embeddings;
  embeddings.reserve(count);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i)
    embeddings.emplace_back(in.text(max_segment_content));
  if (!in.done()) return std::nullopt;
  return embeddings;
}

std::string encode_images(std::span<const described_image> images) {
  std::string content;
  wire::append(content, static_cast<std::uint32_t>(images.size()));
  for (const auto& [image, kept] : images) {
    wire::append(content, static_cast<std::uint8_t>(kept));
    wire::append(content, image.page);
    wire::append(content, std::string_view{image.text});
    wire::append(content, std::string_view{image.info.sha256});
    wire::append(content, std::string_view{image.info.mime});
    wire::append(content, image.info.width);
    wire::append(content, image.info.height);
    wire::append(content, image.info.size);
    wire::append(content, std::string_view{image.info.source});
  }
  return content;
}

std::optional<std::vector<described_image>> decode_images(std::string_view content) {
  wire::reader in{content};
  const auto count = in.integer<std::uint32_t>();
  std::vector<described_image> images;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    auto& [image, kept] = images.emplace_back();
    kept = in.integer<std::uint8_t>() == 1;
    image.page = in.integer<std::uint32_t>();
    image.text = in.text(max_segment_content);
    image.info.sha256 = in.text(max_segment_content);
    image.info.mime = in.text(max_segment_content);
    image.info.width = in.integer<std::uint32_t>();
    image.info.height = in.integer<std::uint32_t>();
    image.info.size = in.integer<std::uint64_t>();
    image.info.source = in.text(max_segment_content);
  }
  if (!in.done()) return std::nullopt;
  return images;
}

std::string encode_pages(const finished_pages& pages) {
  std::string content;
  extraction::append_progress(content, {document_number, pages.first});
  extraction::document_encoder encoder{document_number, pages.elements};
  while (encoder.append_next(content)) {
  }
  extraction::append_progress(content, {document_number, pages.end});
  return content;
}

std::vector<std::string> encode_extraction(const extracted_document& document,
                                           std::size_t first_element, std::uint32_t first_page) {
  std::string begin;
  extraction::append_progress(begin, {document_number, first_page});
  std::vector<std::string> pieces{begin};
  extraction::document_encoder encoder{document_number, document, first_element};
  while (encoder.append_next(pieces.back()))
    if (pieces.back().size() >= piece_bytes) pieces.push_back(begin);
  if (pieces.back().size() == begin.size()) pieces.pop_back();
  return pieces;
}

namespace {

/// Joins pieces as long as they fit.
class extraction_joiner {
 public:
  /// False where the piece does not belong behind those before.
  bool add(std::string_view piece) {
    const auto before = take(piece, extraction::frame_type::progress);
    const auto first = before ? extraction::decode_progress(*before) : none();
    if (!first || first->pages != pages_ || document_) return false;
    while (!piece.empty())
      if (!add_frame(piece)) return false;
    return true;
  }

  restored_extraction finish(std::size_t pieces_added) && {
    if (document_) return {std::move(document_), 0, {}, pieces_added};
    auto elements = decoder_.elements();
    elements.resize(finished_elements_);
    for (auto& e : elements)
      if (!is_clean_utf8(e.text)) e.text = clean_utf8(e.text);
    return {std::nullopt, pages_, std::move(elements), finished_pieces_};
  }

  /// The pieces so far end with finished pages.
  void note_pieces(std::size_t count) {
    if (decoder_.elements().size() == finished_elements_) finished_pieces_ = count;
  }

 private:
  static result<extraction::progress> none() { return fail(ec::internal, "no progress frame"); }

  static std::optional<std::string_view> take(std::string_view& rest, extraction::frame_type type) {
    const auto taken = extraction::take_frame(rest);
    if (!taken || !*taken || (*taken)->type != type) return std::nullopt;
    return (*taken)->payload;
  }

  bool add_frame(std::string_view& rest) {
    const auto taken = extraction::take_frame(rest);
    if (!taken || !*taken) return false;
    const auto& frame = **taken;
    if (frame.type == extraction::frame_type::elements)
      return decoder_.add_elements(frame.payload).has_value();
    if (frame.type == extraction::frame_type::progress) {
      const auto end = extraction::decode_progress(frame.payload);
      if (!end || end->pages <= pages_) return false;
      pages_ = end->pages;
      finished_elements_ = decoder_.elements().size();
      return true;
    }
    if (frame.type != extraction::frame_type::result) return false;
    auto document = decoder_.finish(frame.payload);
    if (!document || !rest.empty()) return false;
    document->skipped_pages = 0;  // they are there
    document_ = std::move(*document);
    return true;
  }

  extraction::document_decoder decoder_{document_number, max_restored_text};
  std::optional<extracted_document> document_;
  std::uint32_t pages_ = 0;
  std::size_t finished_elements_ = 0;
  std::size_t finished_pieces_ = 0;
};

}  // namespace

restored_extraction decode_extraction(std::span<const std::string> pieces) {
  extraction_joiner joiner;
  std::size_t added = 0;
  for (const auto& piece : pieces) {
    if (!joiner.add(piece)) break;
    joiner.note_pieces(++added);
  }
  return std::move(joiner).finish(added);
}

}  // namespace millrace
