#include "runtime/sources/file_uri.hpp"

#include "config/text_forms.hpp"
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

std::string file_uri(std::string_view absolute_path, std::string_view node) {
  static constexpr char digits[] = "0123456789ABCDEF";
  const bool valid = is_clean_utf8(absolute_path);
  std::string uri{scheme};
  uri.reserve(scheme.size() + node.size() + absolute_path.size());
  uri += node;
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

std::optional<file_place> place_of_file_uri(std::string_view uri) {
  if (!uri.starts_with(scheme)) return std::nullopt;
  uri.remove_prefix(scheme.size());
  const auto slash = uri.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  file_place place;
  place.node = uri.substr(0, slash);
  if (!place.node.empty() && !is_name(place.node)) return std::nullopt;
  uri.remove_prefix(slash);
  place.path.reserve(uri.size());
  for (std::size_t i = 0; i < uri.size(); ++i) {
    if (uri[i] != '%') {
      place.path += uri[i];
      continue;
    }
    if (i + 2 >= uri.size()) return std::nullopt;
    const int high = hex_value(uri[i + 1]);
    const int low = hex_value(uri[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    place.path += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return place;
}

std::optional<std::string> path_of_file_uri(std::string_view uri) {
  auto place = place_of_file_uri(uri);
  if (!place || !place->node.empty()) return std::nullopt;
  return std::move(place->path);
}

}  // namespace millrace
