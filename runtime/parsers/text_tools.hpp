// Small functions on UTF-8 text that several parsers share. Pure, any thread; none allocates beyond
// its result.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::parsers {

constexpr bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_alpha(char c) {
  return is_upper(c) || is_lower(c);
}
constexpr char to_lower(char c) {
  return is_upper(c) ? static_cast<char>(c + 32) : c;
}

/// ASCII only; other bytes are kept.
std::string lower_case(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
bool contains_ignoring_case(std::string_view text, std::string_view lower_case_needle);

/// Without leading and trailing white space, Unicode's spaces, byte order marks and zero-width
/// spaces included.
std::string_view trim(std::string_view text);

/// Cuts the first line off `rest` and returns it without its line end (LF, CRLF or CR). `rest` must
/// not be empty.
std::string_view take_line(std::string_view& rest);

/// Appends `text` with every run of white space as one space; none where `out` is empty or ends in
/// white space.
void append_collapsed(std::string& out, std::string_view text);
std::string collapse(std::string_view text);

/// The longest prefix of at most `max_bytes` that does not cut a UTF-8 sequence.
std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes);

/// Code points in valid UTF-8.
std::size_t length_in_code_points(std::string_view text);
char32_t first_code_point(std::string_view text);
char32_t last_code_point(std::string_view text);
void append_code_point(std::string& out, char32_t code_point);

/// Chinese and Japanese put no space between words, so lines of them are joined without one.
bool is_spaceless_script(char32_t code_point);
/// Appends a line to a paragraph, with the space that the scripts on both sides call for.
void append_line(std::string& paragraph, std::string_view line);

/// Length of a list marker ("- ", "* ", "• ", ...) at the start of a line, 0 where there is none.
std::size_t bullet_length(std::string_view line);
/// N where a line starts with "N. " or "N) ", else 0.
int ordinal_of(std::string_view line);

/// Level 1 to 6 where `line` is a section number and a short title ("2.1 Locks and weirs"), or 0.
int numbered_heading_level(std::string_view line);

}  // namespace millrace::parsers
