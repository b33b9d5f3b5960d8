#include "runtime/checkpoints/segment.hpp"

#include <cstring>
#include <memory>

#include <zstd.h>

#include "runtime/core/sha256.hpp"

namespace millrace {

namespace {

constexpr std::string_view magic = "MRC1";
constexpr int compression_level = 1;  // floats hardly compress; a higher level only costs time

void put(std::string& to, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) to += static_cast<char>(number >> shift);
}

/// Takes a number off the front; nothing where fewer than four bytes are left.
std::optional<std::uint32_t> take(std::string_view& from) {
  if (from.size() < 4) return std::nullopt;
  std::uint32_t number = 0;
  for (int i = 3; i >= 0; --i)
    number = number << 8 | static_cast<unsigned char>(from[static_cast<std::size_t>(i)]);
  from.remove_prefix(4);
  return number;
}

std::optional<std::string> decompress(const std::string& segment) {
  const auto size = ZSTD_getFrameContentSize(segment.data(), segment.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
      size > max_segment_content)
    return std::nullopt;
  std::string content(size, '\0');
  const auto read = ZSTD_decompress(content.data(), content.size(), segment.data(), segment.size());
  if (ZSTD_isError(read) != 0U || read != size) return std::nullopt;
  return content;
}

}  // namespace

std::string checkpoint_key(const std::string& content_sha256, const std::string& options,
                           const std::string& model) {
  // Each part ends with a character that none of them contains.
  return bytes_of_hex(sha256_hex(std::string{magic} + '\n' + content_sha256 + '\n' + options +
                                 '\n' + model + '\n'));
}

std::string encode_segment(std::span<const embedding_bytes> embeddings) {
  std::size_t size = magic.size() + 4;
  for (const auto& e : embeddings) size += 4 + e.size();
  if (size > max_segment_content) return {};
  std::string content{magic};
  content.reserve(size);
  put(content, static_cast<std::uint32_t>(embeddings.size()));
  for (const auto& e : embeddings) {
    put(content, static_cast<std::uint32_t>(e.size()));
    content += e;
  }
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(),
                                                                     &ZSTD_freeCCtx};
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, compression_level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string segment(ZSTD_compressBound(content.size()), '\0');
  const auto written =
      ZSTD_compress2(context.get(), segment.data(), segment.size(), content.data(), content.size());
  if (ZSTD_isError(written) != 0U) return {};
  segment.resize(written);
  return segment;
}

std::optional<std::vector<embedding_bytes>> decode_segment(const std::string& segment) {
  const auto content = decompress(segment);
  if (!content || !content->starts_with(magic)) return std::nullopt;
  std::string_view rest{*content};
  rest.remove_prefix(magic.size());
  const auto count = take(rest);
  if (!count || *count > rest.size() / 4) return std::nullopt;
  std::vector<embedding_bytes> embeddings;
  embeddings.reserve(*count);
  for (std::uint32_t i = 0; i < *count; ++i) {
    const auto size = take(rest);
    if (!size || *size > rest.size()) return std::nullopt;
    embeddings.emplace_back(rest.substr(0, *size));
    rest.remove_prefix(*size);
  }
  if (!rest.empty()) return std::nullopt;
  return embeddings;
}

}  // namespace millrace
