#include "config/text_forms.hpp"

#include <algorithm>
#include <charconv>

#include "config/units.hpp"

namespace millrace {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool all_of_alnum_or(std::string_view text, std::string_view others) {
  return std::ranges::all_of(
      text, [&](char c) { return is_alnum(c) || others.find(c) != std::string_view::npos; });
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port <= 65'535;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_alnum(text.front()) &&
         all_of_alnum_or(text, "-_.");
}

bool is_listen_address(std::string_view text) {
  if (text.empty()) return true;
  if (text.starts_with("unix:")) return text.size() > 6 && text[5] == '/';
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return false;
  return is_host(host) && is_port(text.substr(colon + 1));
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && all_of_alnum_or(text, "-.:_");
}

bool is_database_url(std::string_view text) {
  return is_embedded_database(text) || text.starts_with("postgresql://") ||
         text.starts_with("postgres://");
}

bool is_http_url(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (text.starts_with(scheme)) return text.size() > scheme.size();
  return false;
}

bool is_mime_type(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) return false;
  return all_of_alnum_or(text.substr(0, slash), "-.+_") &&
         all_of_alnum_or(text.substr(slash + 1), "-.+_");
}

bool is_memory_budget(std::string_view text) {
  const auto size = parse_byte_size(text);
  return parse_percent(text) || (size && size->bytes > 0);
}

bool is_ocr_languages(std::string_view text) {
  const bool parted =
      text.starts_with('+') || text.ends_with('+') || text.find("++") != std::string_view::npos;
  return !text.empty() && !parted && all_of_alnum_or(text, "_+");
}

bool is_variable_name(std::string_view text) {
  return text.empty() || (!is_digit(text.front()) && all_of_alnum_or(text, "_"));
}

bool is_embedded_database(std::string_view url) {
  return url.starts_with("embedded:");
}

bool has_password(std::string_view url) {
  if (url.find("password=") != std::string_view::npos) return true;
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  // Up to the last '@', not the first '/': a password may hold one that was not escaped.
  const auto authority = url.substr(scheme + 3);
  const auto at = authority.rfind('@');
  return at != std::string_view::npos &&
         authority.substr(0, at).find(':') != std::string_view::npos;
}

bool is_loopback_host(std::string_view host) {
  const bool is_number = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "::1" || (is_number && host.starts_with("127."));
}

const std::vector<std::string>& role_names() {
  static const std::vector<std::string> names = {
      "all", "queue_puller", "document", "image", "embedder", "ledger", "status_aggregator"};
  return names;
}

}  // namespace millrace
