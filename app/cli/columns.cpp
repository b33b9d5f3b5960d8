#include "app/cli/columns.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <vector>

#include "runtime/core/utf8.hpp"

namespace millrace::cli {

namespace {

struct range {
  std::uint32_t first, last;
};

/// Combining marks and formatting characters of the scripts that file names are written in
/// (Unicode 15, categories Mn, Me and Cf). In order.
constexpr std::array no_columns{
    range{0x0300, 0x036F}, range{0x0483, 0x0489}, range{0x0591, 0x05BD}, range{0x05BF, 0x05BF},
    range{0x05C1, 0x05C2}, range{0x05C4, 0x05C5}, range{0x0610, 0x061A}, range{0x064B, 0x065F},
    range{0x0670, 0x0670}, range{0x06D6, 0x06DC}, range{0x06DF, 0x06E4}, range{0x0900, 0x0902},
    range{0x093C, 0x093C}, range{0x0941, 0x0948}, range{0x094D, 0x094D}, range{0x0E31, 0x0E31},
    range{0x0E34, 0x0E3A}, range{0x0E47, 0x0E4E}, range{0x1AB0, 0x1AFF}, range{0x1DC0, 0x1DFF},
    range{0x200B, 0x200F}, range{0x202A, 0x202E}, range{0x2060, 0x206F}, range{0x20D0, 0x20F0},
    range{0xFE00, 0xFE0F}, range{0xFE20, 0xFE2F}, range{0xFEFF, 0xFEFF}, range{0xE0001, 0xE01EF}};

/// Wide and fullwidth (Unicode 15, EastAsianWidth.txt), neighbours joined. In order.
constexpr std::array two_columns{
    range{0x1100, 0x115F},   range{0x231A, 0x231B},   range{0x23E9, 0x23EC},
    range{0x2614, 0x2615},   range{0x26AA, 0x26AB},   range{0x26BD, 0x26BE},
    range{0x2705, 0x2705},   range{0x270A, 0x270B},   range{0x2728, 0x2728},
    range{0x274C, 0x274C},   range{0x2753, 0x2757},   range{0x2B1B, 0x2B1C},
    range{0x2E80, 0x303E},   range{0x3041, 0x4DBF},   range{0x4E00, 0xA4CF},
    range{0xA960, 0xA97C},   range{0xAC00, 0xD7A3},   range{0xF900, 0xFAFF},
    range{0xFE30, 0xFE6F},   range{0xFF00, 0xFF60},   range{0xFFE0, 0xFFE6},
    range{0x16FE0, 0x18D08}, range{0x1B000, 0x1B2FB}, range{0x1F004, 0x1F004},
    range{0x1F0CF, 0x1F0CF}, range{0x1F18E, 0x1F18E}, range{0x1F191, 0x1F19A},
    range{0x1F200, 0x1F320}, range{0x1F32D, 0x1F64F}, range{0x1F680, 0x1F6FC},
    range{0x1F7E0, 0x1F7EB}, range{0x1F90C, 0x1FAFF}, range{0x20000, 0x3FFFD}};

template <std::size_t Size>
bool lies_in(const std::array<range, Size>& ranges, std::uint32_t c) {
  const auto found = std::partition_point(ranges.begin(), ranges.end(),
                                          [c](const range& r) { return r.last < c; });
  return found != ranges.end() && found->first <= c;
}

std::size_t width_of(std::uint32_t c) {
  if (lies_in(no_columns, c)) return 0;
  return lies_in(two_columns, c) ? 2 : 1;
}

struct character {
  std::string_view bytes;
  std::size_t columns;
};

constexpr std::string_view replacement = "?";

/// Of valid UTF-8, whose bytes the views point into.
std::vector<character> split(std::string_view text) {
  std::vector<character> all;
  all.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t c = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k)
      c = c << 6 | (static_cast<std::uint8_t>(text[i + k]) & 0x3FU);
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    all.push_back(control ? character{replacement, 1}
                          : character{text.substr(i, length), width_of(c)});
    i += length;
  }
  return all;
}

constexpr std::string_view left_out = "…";

/// As many of [from, to) as fit with the sign that some are left out, if not all do.
template <class Iterator>
Iterator reach(Iterator from, Iterator to, std::size_t columns, bool& cut) {
  std::size_t all = 0;
  for (auto i = from; i != to; ++i) all += i->columns;
  cut = all > columns;
  const auto room = cut ? columns - 1 : columns;
  std::size_t taken = 0;
  while (from != to && taken + from->columns <= room) taken += (from++)->columns;
  return from;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  const auto clean = clean_utf8(text);
  std::size_t sum = 0;
  for (const auto& c : split(clean)) sum += c.columns;
  return sum;
}

std::string fit_begin(std::string_view text, std::size_t columns) {
  if (columns == 0) return {};
  const auto clean = clean_utf8(text);
  const auto characters = split(clean);
  bool cut = false;
  const auto end = reach(characters.begin(), characters.end(), columns, cut);
  std::string out;
  for (auto c = characters.begin(); c != end; ++c) out += c->bytes;
  return cut ? out + std::string{left_out} : out;
}

std::string fit_end(std::string_view text, std::size_t columns) {
  if (columns == 0) return {};
  const auto clean = clean_utf8(text);
  const auto characters = split(clean);
  bool cut = false;
  const auto begin = reach(characters.rbegin(), characters.rend(), columns, cut);
  std::string out{cut ? left_out : std::string_view{}};
  for (auto c = begin.base(); c != characters.end(); ++c) out += c->bytes;
  return out;
}

}  // namespace millrace::cli
