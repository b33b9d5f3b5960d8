#include "runtime/http/message.hpp"

#include <algorithm>

#include "runtime/http/error_status.hpp"
#include "runtime/http/json.hpp"

namespace millrace::http {

namespace {

/// The value of a hexadecimal digit, or -1.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// RFC 3986, 2.3.
bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

/// A component of a query: like a path, but "+" is a space (as forms and curl --data-urlencode send
/// it).
bool decode_component(std::string_view text, std::string& into) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced, into);
}

bool parse_query(std::string_view text, std::map<std::string, std::string>& into) {
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    std::string name;
    std::string value;
    if (!decode_component(pair.substr(0, equals), name)) return false;
    if (equals != std::string_view::npos && !decode_component(pair.substr(equals + 1), value))
      return false;
    into[std::move(name)] = std::move(value);
  }
  return true;
}

}  // namespace

response error_response(const error& e) {
  auto r = error_response(status_of(e.code), to_string(e.code), e.message);
  if (r.status == 503) r.headers["Retry-After"] = "1";
  return r;
}

response error_response(int status, std::string_view code, std::string_view message) {
  json::writer out;
  out.begin_object().key("error").begin_object();
  out.field("code", code).field("message", message);
  out.end_object().end_object();
  response r;
  r.status = status;
  r.body = out.take();
  return r;
}

bool parse_target(std::string_view target, request& into) {
  target = target.substr(0, target.find('#'));
  const auto question = target.find('?');
  into.raw_path = target.substr(0, question);
  into.query.clear();
  if (!percent_decode(into.raw_path, into.path)) return false;
  return question == std::string_view::npos || parse_query(target.substr(question + 1), into.query);
}

std::string format_target(const request& r) {
  auto out = r.raw_path.empty() ? percent_encode(r.path, true) : r.raw_path;
  char separator = '?';
  for (const auto& [name, value] : r.query) {
    out += separator + percent_encode(name) + '=' + percent_encode(value);
    separator = '&';
  }
  return out;
}

std::string percent_encode(std::string_view text, bool keep_slashes) {
  constexpr auto digits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slashes && c == '/')) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

bool percent_decode(std::string_view text, std::string& into) {
  into.clear();
  into.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      into += text[i];
      continue;
    }
    if (text.size() - i < 3) return false;
    const auto high = hex_value(text[i + 1]);
    const auto low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return false;
    into += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

}  // namespace millrace::http
