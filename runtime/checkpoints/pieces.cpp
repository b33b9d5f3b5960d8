#include "runtime/checkpoints/pieces.hpp"

#include "runtime/checkpoints/segment.hpp"
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
  }
  if (!in.done()) return std::nullopt;
  return images;
}

std::vector<std::string> encode_extraction(const extracted_document& document) {
  std::vector<std::string> pieces(1);
  extraction::document_encoder encoder{document_number, document};
  while (encoder.append_next(pieces.back()))
    if (pieces.back().size() >= piece_bytes) pieces.emplace_back();
  if (pieces.back().empty()) pieces.pop_back();
  return pieces;
}

std::optional<extracted_document> decode_extraction(std::span<const std::string> pieces) {
  extraction::document_decoder decoder{document_number, max_restored_text};
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string_view rest{pieces[i]};
    while (!rest.empty()) {
      const auto taken = extraction::take_frame(rest);
      if (!taken || !*taken) return std::nullopt;
      const auto& frame = **taken;
      if (frame.type == extraction::frame_type::result) {
        auto document = decoder.finish(frame.payload);
        if (!document || !rest.empty() || i + 1 < pieces.size()) return std::nullopt;
        return std::move(*document);
      }
      if (frame.type != extraction::frame_type::elements || !decoder.add_elements(frame.payload))
        return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace millrace
