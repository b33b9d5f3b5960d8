#include "runtime/parsers/text_tools.hpp"

#include <algorithm>
#include <array>

namespace millrace::parsers {

namespace {

/// Longest title that a heading may have; longer lines are prose.
constexpr std::size_t max_heading_bytes = 90;

/// White space outside ASCII, and marks that stand for nothing at the edge of a text.
constexpr std::array<std::string_view, 20> wide_spaces{
    "\u00A0", "\u0085", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
    "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200A",
    "\u200B", "\u2028", "\u2029", "\u202F", "\u3000", "\uFEFF"};

std::size_t wide_space_at_start(std::string_view text) {
  for (const auto space : wide_spaces)
    if (text.starts_with(space)) return space.size();
  return 0;
}

std::size_t wide_space_at_end(std::string_view text) {
  for (const auto space : wide_spaces)
    if (text.ends_with(space)) return space.size();
  return 0;
}

bool is_high(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && starts_with_ignoring_case(a, b);
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(),
                    [](char a, char b) { return to_lower(a) == to_lower(b); });
}

bool contains_ignoring_case(std::string_view text, std::string_view lower_case_needle) {
  return std::search(text.begin(), text.end(), lower_case_needle.begin(), lower_case_needle.end(),
                     [](char a, char b) { return to_lower(a) == b; }) != text.end();
}

std::string_view trim(std::string_view text) {
  while (!text.empty()) {
    if (is_space(text.front())) {
      text.remove_prefix(1);
    } else if (const auto n = is_high(text.front()) ? wide_space_at_start(text) : 0; n > 0) {
      text.remove_prefix(n);
    } else {
      break;
    }
  }
  while (!text.empty()) {
    if (is_space(text.back())) {
      text.remove_suffix(1);
    } else if (const auto n = is_high(text.back()) ? wide_space_at_end(text) : 0; n > 0) {
      text.remove_suffix(n);
    } else {
      break;
    }
  }
  return text;
}

std::string_view take_line(std::string_view& rest) {
  // find_first_of would call memchr for each character.
  const auto ends = [](char c) { return c == '\n' || c == '\r'; };
  const auto found = std::find_if(rest.begin(), rest.end(), ends);
  const auto end =
      found == rest.end() ? std::string_view::npos : static_cast<std::size_t>(found - rest.begin());
  const auto line = rest.substr(0, end);
  if (end == std::string_view::npos) {
    rest = {};
  } else {
    const bool crlf = rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n';
    rest.remove_prefix(end + (crlf ? 2 : 1));
  }
  return line;
}

void append_collapsed(std::string& out, std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (is_space(text[i])) {
      if (!out.empty() && !is_space(out.back())) out.push_back(' ');
      while (i < text.size() && is_space(text[i])) ++i;
      continue;
    }
    const auto start = i;
    while (i < text.size() && !is_space(text[i])) ++i;
    out.append(text.substr(start, i - start));
  }
}

std::string collapse(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_collapsed(out, trim(text));
  return out;
}

std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  auto end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

std::size_t length_in_code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

char32_t first_code_point(std::string_view text) {
  if (text.empty()) return 0;
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return lead;
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (text.size() < size) return 0;
  char32_t out = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i)
    out = (out << 6) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return out;
}

char32_t last_code_point(std::string_view text) {
  auto start = text.size();
  while (start > 0) {
    --start;
    if ((static_cast<unsigned char>(text[start]) & 0xC0U) != 0x80U) break;
  }
  return first_code_point(text.substr(start));
}

void append_code_point(std::string& out, char32_t code_point) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU)));
  };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (code_point >> 6)));
    tail(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (code_point >> 12)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (code_point >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_spaceless_script(char32_t c) {
  const bool ideographs_and_kana = c >= 0x2E80 && c <= 0x9FFF;
  const bool wide_forms = (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFF01 && c <= 0xFF60);
  return ideographs_and_kana || wide_forms || (c >= 0x20000 && c <= 0x3FFFF);
}

void append_line(std::string& paragraph, std::string_view line) {
  const bool joined = paragraph.empty() || (is_spaceless_script(last_code_point(paragraph)) &&
                                            is_spaceless_script(first_code_point(line)));
  if (!joined) paragraph.push_back(' ');
  paragraph.append(line);
}

std::size_t bullet_length(std::string_view line) {
  static constexpr std::array<std::string_view, 12> markers{"-", "*", "•", "●", "▪", "◦",
                                                            "‣", "–", "■", "✓", "➢", "＊"};
  const auto followed_by_space = [&](std::size_t n) {
    return line.size() > n && is_space(line[n]);
  };
  for (const auto marker : markers)
    if (line.starts_with(marker) && followed_by_space(marker.size())) return marker.size() + 1;
  // Symbol fonts put their bullets into the private area, or where Unicode has no characters at
  // all.
  const auto first = line.empty() || !is_high(line[0]) ? 0 : first_code_point(line);
  const bool is_private = (first >= 0xE000 && first <= 0xF8FF) || first >= 0x40000;
  const std::size_t size = first >= 0x40000 ? 4 : 3;
  return is_private && followed_by_space(size) ? size + 1 : 0;
}

int ordinal_of(std::string_view line) {
  std::size_t digits = 0;
  int number = 0;
  for (; digits < line.size() && digits < 3 && is_digit(line[digits]); ++digits)
    number = number * 10 + (line[digits] - '0');
  const bool marked = digits > 0 && digits + 1 < line.size() &&
                      (line[digits] == '.' || line[digits] == ')') && line[digits + 1] == ' ';
  return marked ? number : 0;
}

int numbered_heading_level(std::string_view line) {
  if (line.empty() || line.size() > max_heading_bytes || !is_digit(line[0])) return 0;
  std::size_t i = 0;
  int level = 0;
  while (i < line.size() && is_digit(line[i])) {
    const auto start = i;
    while (i < line.size() && is_digit(line[i])) ++i;
    if (i - start > 2) return 0;  // A year or an amount, not a section.
    ++level;
    if (i < line.size() && line[i] == '.') ++i;
  }
  if (i >= line.size() || line[i] != ' ') return 0;
  const auto title = trim(line.substr(i));
  if (title.size() < 3 || !is_upper(title[0])) return 0;
  const auto words = std::count(title.begin(), title.end(), ' ') + 1;
  const bool sentence = std::string_view{".,;:!?"}.find(title.back()) != std::string_view::npos;
  return sentence || words > 10 ? 0 : std::min(level, 6);
}

}  // namespace millrace::parsers
