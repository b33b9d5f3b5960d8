// Lines of right-to-left scripts as poppler writes them, put into the order and spacing that
// searches expect. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace::parsers {

/// True for letters of Hebrew, Arabic and their kin, presentation forms included.
bool is_right_to_left(char32_t code_point);

/// Without the marks of writing direction (U+202A to U+202E, U+2066 to U+2069), which would hide
/// words from searches. In a right-to-left line, the space before a left-to-right word, which
/// poppler leaves on the word's visual left, goes behind it, and words of both directions that
/// touch are parted.
std::string without_direction_marks(std::string_view line);

}  // namespace millrace::parsers
