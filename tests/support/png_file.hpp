// Makes PNG images for tests, and takes them apart for files that hold images of their own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

struct gray_image {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::string pixels;  ///< Row by row, a byte each: 0 is black.
};

/// Not compressed: as many bytes as pixels, and a few.
std::string make_png(const gray_image& image);

/// What a PDF needs of one.
struct png_content {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::string compressed;  ///< By deflate, each row after its filter's number.
};

/// Of an 8-bit grey PNG; throws std::invalid_argument for any other.
png_content read_gray_png(std::string_view png);

}  // namespace millrace
