#include "runtime/parsers/list_numbers.hpp"

#include <array>
#include <utility>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr int alphabet = 26;
constexpr int max_lettered = alphabet * 10;
constexpr int max_roman = 3999;

std::string roman(int number) {
  struct numeral {
    int value;
    std::string_view text;
  };
  static constexpr std::array numerals{numeral{1000, "m"}, numeral{900, "cm"}, numeral{500, "d"},
                                       numeral{400, "cd"}, numeral{100, "c"},  numeral{90, "xc"},
                                       numeral{50, "l"},   numeral{40, "xl"},  numeral{10, "x"},
                                       numeral{9, "ix"},   numeral{5, "v"},    numeral{4, "iv"},
                                       numeral{1, "i"}};
  std::string out;
  for (const auto& [value, text] : numerals)
    for (; number >= value; number -= value) out += text;
  return out;
}

std::string upper_case(std::string text) {
  for (auto& c : text)
    if (is_lower(c)) c = static_cast<char>(c - 32);
  return text;
}

}  // namespace

std::string show_ordinal(int number, number_style style) {
  const bool is_lettered =
      style == number_style::lower_letter || style == number_style::upper_letter;
  const bool is_roman = style == number_style::lower_roman || style == number_style::upper_roman;
  const bool is_upper_case =
      style == number_style::upper_letter || style == number_style::upper_roman;
  std::string out;
  if (is_lettered && number > 0 && number <= max_lettered)
    out = std::string(static_cast<std::size_t>((number - 1) / alphabet + 1),
                      static_cast<char>('a' + (number - 1) % alphabet));
  else if (is_roman && number > 0 && number <= max_roman)
    out = roman(number);
  else
    return (style == number_style::padded_decimal && number >= 0 && number < 10 ? "0" : "") +
           std::to_string(number);
  return is_upper_case ? upper_case(std::move(out)) : out;
}

}  // namespace millrace::parsers
