#include "runtime/parsers/xhtml.hpp"

#include <algorithm>
#include <array>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Elements that HTML knows to be empty.
bool is_void(std::string_view name) {
  static constexpr std::array<std::string_view, 14> names{
      "area",  "base", "br",   "col",   "embed",  "hr",    "img",
      "input", "link", "meta", "param", "source", "track", "wbr"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Past the end of the tag that starts at `at`, quoted attributes respected.
std::size_t end_of_tag(std::string_view text, std::size_t at) {
  char quote = '\0';
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return at + 1;
    }
  }
  return at;
}

std::size_t past(std::string_view text, std::string_view mark, std::size_t from) {
  const auto found = text.find(mark, from);
  return found == std::string_view::npos ? text.size() : found + mark.size();
}

}  // namespace

std::string expand_empty_tags(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16);
  std::size_t at = 0;
  while (at < text.size()) {
    const auto tag = std::min(text.find('<', at), text.size());
    out.append(text.substr(at, tag - at));
    if (tag == text.size()) break;
    const auto rest = text.substr(tag);
    if (rest.starts_with("<!--") || rest.starts_with("<![CDATA[")) {
      at = rest[2] == '-' ? past(text, "-->", tag) : past(text, "]]>", tag);
      out.append(text.substr(tag, at - tag));
      continue;
    }
    at = end_of_tag(text, tag);
    const auto whole = text.substr(tag, at - tag);
    const auto name =
        whole.substr(1, std::min(whole.find_first_of(" \t\r\n/>", 1), whole.size()) - 1);
    if (!whole.ends_with("/>") || name.empty() || !is_alpha(name[0]) || is_void(name)) {
      out.append(whole);
      continue;
    }
    out.append(whole.substr(0, whole.size() - 2)).append("></").append(name).push_back('>');
  }
  return out;
}

}  // namespace millrace::parsers
