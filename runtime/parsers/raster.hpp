// Pixels of encoded images, by leptonica: what is checked before and done after decoding. Any
// thread; nothing is printed and no file is made.
//
// Bounded before a pixel is decoded: the size that the header tells is held to
// max_decoded_pixels, and JPEG is decoded smaller where the caller wants fewer pixels.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct Pix;

namespace millrace::parsers {

/// Four bytes each, at most: 600 MB. An A0 sheet at 300 dpi has 139 million.
inline constexpr std::uint64_t max_decoded_pixels = 150'000'000;

struct pix_deleter {
  void operator()(Pix* pix) const;
};
using unique_pix = std::unique_ptr<Pix, pix_deleter>;

struct raster_size {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

/// Size of page `page` (0 for the first; formats without pages have one) as its header tells it.
/// Throws parse_failure: unsupported_format for what leptonica cannot decode, malformed_document
/// for a header that cannot be read, limit_exceeded over max_decoded_pixels.
raster_size read_raster_size(std::string_view encoded, std::uint32_t page = 0);

struct decoded_raster {
  unique_pix pix;
  bool damaged = false;  ///< A part of the pixels is missing.
};

/// Decodes, turned upright as the image's own EXIF orientation says. JPEG with more than
/// `wanted_pixels` is decoded at a half, a quarter or an eighth. Throws as read_raster_size() does.
decoded_raster decode_raster(std::string_view encoded, std::uint64_t wanted_pixels,
                             std::uint32_t page = 0);

/// Pages of a TIFF, at most `limit`; 0 where it cannot be read.
std::uint32_t count_tiff_pages(std::string_view encoded, std::uint32_t limit);

/// As PBM, PGM or PPM. Throws parse_failure with malformed_document where that fails.
std::string encode_pnm(Pix& pix);

}  // namespace millrace::parsers
