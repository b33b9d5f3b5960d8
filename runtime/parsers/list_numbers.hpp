// The numbers that Office applications show before the paragraphs of a list. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::parsers {

enum class number_style : std::uint8_t {
  decimal,
  padded_decimal,  ///< 01, 02, ...
  lower_letter,    ///< a, ..., z, aa, bb, ...
  upper_letter,
  lower_roman,
  upper_roman,
};

/// A number below 1, or too large for letters and Roman numerals, is shown as it is.
std::string show_ordinal(int number, number_style style);

}  // namespace millrace::parsers
