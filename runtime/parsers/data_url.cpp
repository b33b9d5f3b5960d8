#include "runtime/parsers/data_url.hpp"

#include <algorithm>
#include <utility>

#include "runtime/core/sha256.hpp"
#include "runtime/parsers/charset.hpp"
#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::string_view source_prefix = "data:";
/// Where a URL ends that no quotes enclose.
constexpr std::string_view url_ends = " \t\r\n\f\"'<>)";

/// The URL at `at`, without the quotes around it.
std::string_view url_at(std::string_view text, std::size_t at) {
  const char before = at == 0 ? '\0' : text[at - 1];
  const bool quoted = before == '"' || before == '\'';
  const auto end = quoted ? text.find(before, at) : text.find_first_of(url_ends, at);
  return text.substr(at, std::min(end, text.size()) - at);
}

}  // namespace

std::string data_url_source(std::string_view sha256) {
  return std::string{source_prefix}.append(sha256);
}

std::string load_data_url(std::string_view document, std::string_view source) {
  const auto wanted = source.substr(std::min(source_prefix.size(), source.size()));
  const auto decoded = decode_text(document);
  const auto text = decoded ? decoded->view() : std::string_view{};
  for (auto at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1)) {
    if (at < 4 || !equals_ignoring_case(text.substr(at - 4, 5), source_prefix)) continue;
    const auto url = url_at(text, at - 4);
    auto bytes = decode_data_url(url);
    if (bytes && !bytes->empty() && sha256_hex(*bytes) == wanted) return std::move(*bytes);
    at += url.size() > 5 ? url.size() - 5 : 0;
  }
  throw parse_failure{ec::malformed_document,
                      "the document has no image at " + std::string{source}};
}

}  // namespace millrace::parsers
