#include "runtime/parsers/image_header.hpp"

#include <cstdint>

#include "runtime/core/sha256.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

using namespace std::string_view_literals;

struct dimensions {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
};

std::uint32_t byte_at(std::string_view s, std::size_t i) {
  return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U;
}
std::uint32_t big16(std::string_view s, std::size_t i) {
  return (byte_at(s, i) << 8) | byte_at(s, i + 1);
}
std::uint32_t big32(std::string_view s, std::size_t i) {
  return (big16(s, i) << 16) | big16(s, i + 2);
}
std::uint32_t little16(std::string_view s, std::size_t i) {
  return byte_at(s, i) | (byte_at(s, i + 1) << 8);
}
std::uint32_t little24(std::string_view s, std::size_t i) {
  return little16(s, i) | (byte_at(s, i + 2) << 16);
}
std::uint32_t little32(std::string_view s, std::size_t i) {
  return little16(s, i) | (little16(s, i + 2) << 16);
}

/// Walks JPEG's segments to the first frame header (ITU T.81, annex B). Ends with the bytes: each
/// step advances.
dimensions jpeg_dimensions(std::string_view s) {
  std::size_t i = 2;
  while (i + 9 < s.size()) {
    if (byte_at(s, i) != 0xFF) return {};
    const auto marker = byte_at(s, i + 1);
    if (marker == 0xFF) {
      ++i;  // Fill byte.
      continue;
    }
    const bool frame =
        marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) return {big16(s, i + 7), big16(s, i + 5)};
    if (marker == 0xD9 || marker == 0xDA) return {};
    i += 2 + big16(s, i + 2);
  }
  return {};
}

/// The three kinds of WebP: lossy (VP8), lossless (VP8L) and extended (VP8X).
dimensions webp_dimensions(std::string_view s) {
  const auto kind = s.substr(12, 4);
  if (kind == "VP8 ") return {little16(s, 26) & 0x3FFFU, little16(s, 28) & 0x3FFFU};
  if (kind == "VP8L") {
    const auto bits = little32(s, 21);
    return {(bits & 0x3FFFU) + 1, ((bits >> 14) & 0x3FFFU) + 1};
  }
  if (kind == "VP8X") return {little24(s, 24) + 1, little24(s, 27) + 1};
  return {};
}

dimensions read_dimensions(std::string_view mime, std::string_view s) {
  if (mime == "image/png") return {big32(s, 16), big32(s, 20)};
  if (mime == "image/jpeg") return jpeg_dimensions(s);
  if (mime == "image/gif") return {little16(s, 6), little16(s, 8)};
  if (mime == "image/webp") return webp_dimensions(s);
  if (mime == "image/bmp") {
    const auto height =
        static_cast<std::int32_t>(little32(s, 22));  // Negative where rows go top-down.
    return {little32(s, 18),
            height < 0 ? 0U - static_cast<std::uint32_t>(height) : little32(s, 22)};
  }
  return {};
}

/// Value of a base64 digit, -1 for other characters. The URL-safe alphabet is taken too.
int base64_value(char c) {
  if (is_upper(c)) return c - 'A';
  if (is_lower(c)) return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

std::optional<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int pending = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    if (c == '=') break;
    const int value = base64_value(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      out.push_back(static_cast<char>((bits >> pending) & 0xFFU));
    }
  }
  return out;
}

}  // namespace

std::string_view image_mime(std::string_view s) {
  if (s.starts_with("\x89PNG\r\n\x1A\n"sv)) return "image/png";
  if (s.starts_with("\xFF\xD8\xFF"sv)) return "image/jpeg";
  if (s.starts_with("GIF87a"sv) || s.starts_with("GIF89a"sv)) return "image/gif";
  if (s.starts_with("RIFF"sv) && s.substr(0, 12).ends_with("WEBP"sv)) return "image/webp";
  if (s.starts_with("II*\0"sv) || s.starts_with("MM\0*"sv)) return "image/tiff";
  if (s.starts_with("BM"sv) && s.size() > 30 && little32(s, 2) == s.size()) return "image/bmp";
  if (s.starts_with("\x01\0\0\0"sv) && s.substr(0, 44).ends_with(" EMF"sv)) return "image/emf";
  if (s.starts_with("\xD7\xCD\xC6\x9A"sv)) return "image/wmf";
  const auto head = trim(s.substr(0, 1024));
  if (head.starts_with("<svg") ||
      (head.starts_with("<?xml") && head.find("<svg") != std::string_view::npos))
    return "image/svg+xml";
  return {};
}

image_info describe_image(std::string_view bytes) {
  image_info info;
  const auto mime = image_mime(bytes);
  info.mime = mime.empty() ? "application/octet-stream" : mime;
  info.size = bytes.size();
  info.sha256 = sha256_hex(bytes);
  const auto [width, height] = read_dimensions(mime, bytes);
  info.width = width;
  info.height = height;
  return info;
}

std::optional<std::string> decode_data_url(std::string_view url) {
  if (!starts_with_ignoring_case(url, "data:")) return std::nullopt;
  const auto comma = url.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  if (!contains_ignoring_case(url.substr(0, comma), ";base64")) return std::nullopt;
  return decode_base64(url.substr(comma + 1));
}

}  // namespace millrace::parsers
