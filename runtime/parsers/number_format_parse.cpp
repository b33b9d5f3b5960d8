// Reads format codes; number_format.cpp applies them.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "runtime/parsers/number_format.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_sections = 4;
constexpr int max_scale = 10;

struct builtin {
  std::uint32_t id;
  std::string_view code;
};
constexpr std::array builtins{
    builtin{1, "0"},
    builtin{2, "0.00"},
    builtin{3, "#,##0"},
    builtin{4, "#,##0.00"},
    builtin{5, "$#,##0_);($#,##0)"},
    builtin{6, "$#,##0_);($#,##0)"},
    builtin{7, "$#,##0.00_);($#,##0.00)"},
    builtin{8, "$#,##0.00_);($#,##0.00)"},
    builtin{9, "0%"},
    builtin{10, "0.00%"},
    builtin{11, "0.00E+00"},
    builtin{12, "# ?/?"},
    builtin{13, "# \?\?/\?\?"},
    builtin{14, "yyyy-mm-dd"},
    builtin{15, "d-mmm-yy"},
    builtin{16, "d-mmm"},
    builtin{17, "mmm-yy"},
    builtin{18, "h:mm AM/PM"},
    builtin{19, "h:mm:ss AM/PM"},
    builtin{20, "h:mm"},
    builtin{21, "h:mm:ss"},
    builtin{22, "yyyy-mm-dd h:mm"},
    builtin{37, "#,##0_);(#,##0)"},
    builtin{38, "#,##0_);(#,##0)"},
    builtin{39, "#,##0.00_);(#,##0.00)"},
    builtin{40, "#,##0.00_);(#,##0.00)"},
    builtin{41, "_(* #,##0_);_(* (#,##0);_(* \"-\"_);_(@_)"},
    builtin{42, "_($* #,##0_);_($* (#,##0);_($* \"-\"_);_(@_)"},
    builtin{43, "_(* #,##0.00_);_(* (#,##0.00);_(* \"-\"\?\?_);_(@_)"},
    builtin{44, "_($* #,##0.00_);_($* (#,##0.00);_($* \"-\"\?\?_);_(@_)"},
    builtin{45, "mm:ss"},
    builtin{46, "[h]:mm:ss"},
    builtin{47, "mm:ss.0"},
    builtin{48, "##0.0E+0"},
    builtin{49, "@"},
};

bool is_eastern_date(std::uint32_t id) {
  return (id >= 27 && id <= 36) || (id >= 50 && id <= 58);
}

}  // namespace

/// Cuts a code into sections and these into tokens. Unknown characters stand for themselves.
class number_format::code_reader {
 public:
  explicit code_reader(std::string_view code) : rest_{code} {}

  std::vector<section> read() {
    std::vector<section> out;
    do {
      out.push_back(read_section());
    } while (!rest_.empty() && out.size() < max_sections);
    return out;
  }

 private:
  section read_section() {
    section s;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == ';') {
        rest_.remove_prefix(1);
        break;
      }
      if (c == '[')
        read_bracket(s);
      else if (!read_word(s) && !read_quoted(s) && !read_date(s))
        read_sign(s);
    }
    finish(s);
    return s;
  }

  static void literal(section& s, std::string_view text) {
    if (!s.tokens.empty() && s.tokens.back().kind == token_kind::literal)
      s.tokens.back().text += text;
    else
      s.tokens.push_back({token_kind::literal, 0, 0, std::string{text}});
  }

  /// The next character with all of its bytes, cut off the code.
  std::string_view take_character() {
    std::size_t n = std::min<std::size_t>(1, rest_.size());
    while (n < rest_.size() && (static_cast<unsigned char>(rest_[n]) & 0xC0U) == 0x80U) ++n;
    const auto out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }

  /// [Red], [>=100], [$€-407], [h].
  void read_bracket(section& s) {
    const auto end = std::min(rest_.find(']'), rest_.size());
    const auto inside = rest_.substr(1, end - 1);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (inside.empty()) return;
    const char first = to_lower(inside.front());
    const bool repeated =
        std::all_of(inside.begin(), inside.end(), [&](char c) { return to_lower(c) == first; });
    if (inside.front() == '$') {
      literal(s, inside.substr(1, inside.rfind('-') - 1));
    } else if (inside.find_first_of("<>=") == 0) {
      const auto number = inside.find_first_not_of("<>=");
      condition when{std::string{inside.substr(0, number)}, 0};
      if (number != std::string_view::npos)
        std::from_chars(inside.data() + number, inside.data() + inside.size(), when.limit);
      s.when = std::move(when);
    } else if (repeated && (first == 'h' || first == 'm' || first == 's')) {
      s.tokens.push_back({token_kind::elapsed, first, inside.size(), {}});
      s.is_date = true;
    }
  }

  bool read_word(section& s) {
    if (starts_with_ignoring_case(rest_, "general")) {
      s.tokens.push_back({token_kind::general, 0, 0, {}});
      rest_.remove_prefix(7);
    } else if (starts_with_ignoring_case(rest_, "am/pm")) {
      s.tokens.push_back({token_kind::half_of_day, 0, 2, {}});
      rest_.remove_prefix(5);
    } else if (starts_with_ignoring_case(rest_, "a/p")) {
      s.tokens.push_back({token_kind::half_of_day, 0, 1, {}});
      rest_.remove_prefix(3);
    } else {
      return false;
    }
    return true;
  }

  bool read_quoted(section& s) {
    const char c = rest_.front();
    if (c == '"') {
      const auto end = std::min(rest_.find('"', 1), rest_.size());
      literal(s, rest_.substr(1, end - 1));
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
    } else if (c == '\\' || c == '!') {
      rest_.remove_prefix(1);
      literal(s, take_character());
    } else if (c == '_' || c == '*') {
      // A space as wide as the next character, or the next character repeated to fill the cell.
      rest_.remove_prefix(1);
      take_character();
      if (c == '_') literal(s, " ");
    } else {
      return false;
    }
    return true;
  }

  bool read_date(section& s) {
    const char c = to_lower(rest_.front());
    if (std::string_view{"ymdhse"}.find(c) == std::string_view::npos) return false;
    if (c == 'e' && rest_.size() > 1 && (rest_[1] == '+' || rest_[1] == '-')) return false;
    std::size_t n = 0;
    while (n < rest_.size() && to_lower(rest_[n]) == c) ++n;
    rest_.remove_prefix(n);
    s.tokens.push_back({token_kind::date, c == 'e' ? 'y' : c, c == 'e' ? 4 : n, {}});
    s.is_date = true;
    return true;
  }

  void read_sign(section& s) {
    const char c = rest_.front();
    if (c == '0' || c == '#' || c == '?') {
      s.tokens.push_back({token_kind::digit, c, 0, {}});
      s.has_digits = true;
    } else if (c == '.') {
      s.tokens.push_back({token_kind::point, 0, 0, {}});
    } else if (c == ',' && s.has_digits) {
      read_comma(s);
      return;
    } else if (c == '@') {
      s.tokens.push_back({token_kind::text, 0, 0, {}});
      s.has_text = true;
    } else if ((c == 'E' || c == 'e') && s.has_digits) {
      s.tokens.push_back({token_kind::exponent, 0, 0, {}});
      s.has_exponent = true;
      rest_.remove_prefix(std::min<std::size_t>(2, rest_.size()));
      return;
    } else {
      s.percents += c == '%' ? 1 : 0;
      s.is_fraction = s.is_fraction || (c == '/' && s.has_digits && !s.is_date);
      literal(s, take_character());
      return;
    }
    rest_.remove_prefix(1);
  }

  /// Between digits a comma groups; behind the last one it divides by 1,000.
  void read_comma(section& s) {
    std::size_t n = 0;
    while (n < rest_.size() && rest_[n] == ',') ++n;
    const char next = n < rest_.size() ? rest_[n] : ';';
    rest_.remove_prefix(n);
    if (next == '0' || next == '#' || next == '?')
      s.grouped = true;
    else
      s.thousands_scale = std::min(s.thousands_scale + static_cast<int>(n), max_scale);
  }

  /// What only the neighbours tell: m beside hours or seconds are minutes, and digits behind the
  /// seconds are their fractions.
  static void finish(section& s) {
    s.percents = std::min(s.percents, max_scale);
    if (!s.is_date) return;
    char before = 0;
    token* month = nullptr;
    for (auto& t : s.tokens) {
      if (t.kind != token_kind::date && t.kind != token_kind::elapsed) continue;
      if (t.kind == token_kind::date && t.letter == 'm') {
        if (before == 'h') t.letter = 'n';
        month = t.letter == 'm' ? &t : nullptr;
      } else if (t.letter == 's' && month != nullptr) {
        month->letter = 'n';
        month = nullptr;
      } else {
        month = nullptr;
      }
      before = t.letter;
    }
    for (std::size_t i = 0; i + 1 < s.tokens.size(); ++i) {
      if (s.tokens[i].kind != token_kind::point) continue;
      std::size_t digits = 0;
      while (i + 1 + digits < s.tokens.size() && s.tokens[i + 1 + digits].kind == token_kind::digit)
        ++digits;
      if (digits == 0) continue;
      s.tokens[i] = {token_kind::date, 'f', std::min<std::size_t>(digits, 3), {}};
      s.tokens.erase(s.tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                     s.tokens.begin() + static_cast<std::ptrdiff_t>(i + 1 + digits));
    }
    for (auto& t : s.tokens)
      if (t.kind == token_kind::point) t = {token_kind::literal, 0, 0, "."};
  }

  std::string_view rest_;
};

number_format::number_format(std::string_view code)
    : sections_{code_reader{utf8_prefix(code, max_code_bytes)}.read()},
      is_general_{code.empty() || equals_ignoring_case(code, "general")} {}

std::string_view number_format::builtin_code(std::uint32_t id) {
  if (is_eastern_date(id)) return "yyyy-mm-dd";
  const auto* at =
      std::find_if(builtins.begin(), builtins.end(), [&](const builtin& b) { return b.id == id; });
  return at == builtins.end() ? "General" : at->code;
}

}  // namespace millrace::parsers
