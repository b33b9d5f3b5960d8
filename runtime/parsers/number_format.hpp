// Shows a cell's number as a spreadsheet shows it, by its format code (ECMA-376 part
// 1, 18.8.30/31): digits, thousands, percent, scientific, currencies, literal text, dates, times
// and elapsed times, sections for negative numbers, zero and text, conditions. Names of months and
// days are English. Fractions are shown as decimals. Codes that begin with the system's own short
// date show as ISO 8601: what Excel shows there depends on who looks. Pure; a code is cut at
// max_code_bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::parsers {

/// Where a workbook's days are counted from.
enum class date_system : std::uint8_t {
  from_1900,  ///< Day 1 is 1 January 1900; day 60, 29 February 1900, never was.
  from_1904,  ///< Day 0 is 1 January 1904.
};

/// "General": at most 11 significant digits, but whole numbers below 10^15 in full, so that a
/// number of an article or a telephone is found.
std::string show_general(double value);

class number_format {
 public:
  static constexpr std::size_t max_code_bytes = 1000;

  number_format() : number_format("General") {}
  explicit number_format(std::string_view code);
  /// One of the formats that a workbook names by number only; General where there is none.
  static std::string_view builtin_code(std::uint32_t id);

  std::string show(double value, date_system system) const;
  std::string show_text(std::string_view text) const;
  bool is_general() const { return is_general_; }

 private:
  enum class token_kind : std::uint8_t {
    literal,
    digit,     ///< 0, # or ?; `letter` says which.
    point,     ///< The decimal point.
    exponent,  ///< E+ or E-; its digits follow.
    general,
    text,         ///< @
    date,         ///< y, m, d, h, s or n (minutes), `count` times; f: fractions of a second.
    elapsed,      ///< [h], [m] or [s].
    half_of_day,  ///< AM/PM or A/P; `count` is 1 for the short form.
  };
  struct token {
    token_kind kind = token_kind::literal;
    char letter = 0;
    std::size_t count = 0;
    std::string text;
  };
  struct condition {
    std::string sign;
    double limit = 0;
    bool holds(double value) const;
  };
  struct section {
    std::vector<token> tokens;
    std::optional<condition> when;
    int percents = 0;
    int thousands_scale = 0;  ///< Commas behind the last digit: each divides by 1,000.
    bool grouped = false;
    bool has_digits = false;
    bool has_exponent = false;
    bool has_text = false;
    bool is_date = false;
    bool is_fraction = false;
  };
  class code_reader;
  struct places;

  const section& section_for(double value, bool& shows_sign) const;
  static std::string show_number(const section& s, double value);
  static std::string show_date(const section& s, double value, date_system system);

  std::vector<section> sections_;
  bool is_general_ = false;
};

}  // namespace millrace::parsers
