#include "runtime/parsers/part_path.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace millrace::parsers {

namespace {

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const auto* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
      out.push_back(static_cast<char>(value));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace

std::string without_dots(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::string_view rest = path; !rest.empty();) {
    const auto end = std::min(rest.find('/'), rest.size());
    const auto segment = rest.substr(0, end);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (segment != "." && !segment.empty()) {
      segments.push_back(segment);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::string out;
  for (const auto segment : segments) {
    if (!out.empty()) out.push_back('/');
    out.append(segment);
  }
  return out;
}

std::string resolve_part(std::string_view base, std::string_view reference) {
  reference = reference.substr(0, reference.find_first_of("#?"));
  if (reference.empty() ||
      reference.substr(0, reference.find('/')).find(':') != std::string_view::npos)
    return {};
  const auto folder =
      base.substr(0, base.rfind('/') == std::string_view::npos ? 0 : base.rfind('/') + 1);
  const auto path = reference.starts_with('/') ? percent_decoded(reference)
                                               : std::string{folder} + percent_decoded(reference);
  return without_dots(path);
}

}  // namespace millrace::parsers
