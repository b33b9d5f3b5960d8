#include "tests/support/png_file.hpp"

#include <algorithm>
#include <stdexcept>

#include <boost/crc.hpp>

namespace millrace {

namespace {

constexpr std::string_view signature{"\x89PNG\r\n\x1a\n", 8};
constexpr std::size_t header_bytes = 13;
constexpr std::string_view eight_bit_gray{"\x08\0\0\0\0", 5};  // depth, colour type, methods

std::string big_endian(std::uint32_t number) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<unsigned char>(number >> shift));
  return out;
}

std::uint32_t read_big_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const char c : bytes.substr(0, 4)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

std::string chunk(const std::string& type, const std::string& content) {
  boost::crc_32_type sum;
  sum.process_bytes(type.data(), type.size());
  sum.process_bytes(content.data(), content.size());
  return big_endian(static_cast<std::uint32_t>(content.size())) + type + content +
         big_endian(sum.checksum());
}

/// RFC 1950 and 1951: blocks that are stored, and Adler's sum.
std::string stored(std::string_view content) {
  constexpr std::size_t max_block = 65'535;
  constexpr std::uint32_t adler_modulus = 65'521;
  std::string out{"\x78\x01", 2};
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const char c : content) {
    a = (a + static_cast<unsigned char>(c)) % adler_modulus;
    b = (b + a) % adler_modulus;
  }
  do {
    const auto block = content.substr(0, max_block);
    content.remove_prefix(block.size());
    out += content.empty() ? '\1' : '\0';
    for (const auto length : {block.size(), ~block.size()}) {
      out += static_cast<char>(static_cast<unsigned char>(length));
      out += static_cast<char>(static_cast<unsigned char>(length >> 8));
    }
    out += block;
  } while (!content.empty());
  return out + big_endian(b << 16 | a);
}

}  // namespace

std::string make_png(const gray_image& image) {
  std::string rows;
  for (std::size_t y = 0; y < image.height; ++y)
    rows += '\0' + image.pixels.substr(y * image.width, image.width);  // no filter
  const auto size = big_endian(image.width) + big_endian(image.height);
  return std::string{signature} + chunk("IHDR", size + std::string{eight_bit_gray}) +
         chunk("IDAT", stored(rows)) + chunk("IEND", "");
}

png_content read_gray_png(std::string_view png) {
  if (!png.starts_with(signature)) throw std::invalid_argument{"not a PNG"};
  png_content out;
  for (png.remove_prefix(signature.size()); png.size() >= 12;) {
    const auto length = std::min<std::size_t>(read_big_endian(png), png.size() - 12);
    const auto type = png.substr(4, 4);
    const auto content = png.substr(8, length);
    if (type == "IHDR") {
      if (length != header_bytes || content.substr(8) != eight_bit_gray)
        throw std::invalid_argument{"not an 8-bit grey PNG without interlacing"};
      out.width = read_big_endian(content);
      out.height = read_big_endian(content.substr(4));
    }
    if (type == "IDAT") out.compressed += content;
    png.remove_prefix(length + 12);
  }
  return out;
}

}  // namespace millrace
