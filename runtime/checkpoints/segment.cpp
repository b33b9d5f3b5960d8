#include "runtime/checkpoints/segment.hpp"

#include <memory>

#include <zstd.h>

#include "runtime/core/sha256.hpp"

namespace millrace {

namespace {

constexpr std::string_view magic = "MRC3";
constexpr int compression_level = 1;  // floats hardly compress; a higher level only costs time

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

std::string pack_segment(std::string_view content) {
  if (magic.size() + content.size() > max_segment_content) return {};
  const auto whole = std::string{magic}.append(content);
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(),
                                                                     &ZSTD_freeCCtx};
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, compression_level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::string segment(ZSTD_compressBound(whole.size()), '\0');
  const auto written =
      ZSTD_compress2(context.get(), segment.data(), segment.size(), whole.data(), whole.size());
  if (ZSTD_isError(written) != 0U) return {};
  segment.resize(written);
  return segment;
}

std::optional<std::string> unpack_segment(const std::string& segment) {
  auto whole = decompress(segment);
  if (!whole || !whole->starts_with(magic)) return std::nullopt;
  whole->erase(0, magic.size());
  return whole;
}

}  // namespace millrace
