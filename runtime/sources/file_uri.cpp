#include "runtime/sources/file_uri.hpp"

#include "runtime/core/utf8.hpp"

namespace millrace {

namespace {

constexpr std::string_view scheme = "file://";

bool must_encode(unsigned char byte, bool valid_utf8) {
  if (byte >= 0x80) return !valid_utf8;
  return byte <= 0x20 || byte == 0x7F || byte == '%' || byte == '?' || byte == '#' || byte == '"' ||
         byte == '\\';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string file_uri(std::string_view absolute_path) {
  static constexpr char digits[] = "0123456789ABCDEF";
  const bool valid = is_clean_utf8(absolute_path);
  std::string uri{scheme};
  uri.reserve(scheme.size() + absolute_path.size());
  for (const auto c : absolute_path) {
    const auto byte = static_cast<unsigned char>(c);
    if (must_encode(byte, valid)) {
      uri += '%';
      uri += digits[byte >> 4];
      uri += digits[byte & 15];
    } else {
      uri += c;
    }
  }
  return uri;
}

std::optional<std::string> path_of_file_uri(std::string_view uri) {
  if (!uri.starts_with(scheme)) return std::nullopt;
  uri.remove_prefix(scheme.size());
  if (!uri.starts_with('/')) return std::nullopt;  // a host: another machine's disk
  std::string path;
  path.reserve(uri.size());
  for (std::size_t i = 0; i < uri.size(); ++i) {
    if (uri[i] != '%') {
      path += uri[i];
      continue;
    }
    if (i + 2 >= uri.size()) return std::nullopt;
    const int high = hex_value(uri[i + 1]);
    const int low = hex_value(uri[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    path += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return path;
}

}  // namespace millrace
