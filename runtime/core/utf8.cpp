#include "runtime/core/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace millrace {

namespace {

/// Length of the valid sequence at the start of `s` (1 to 4), or 0. Second-byte ranges: RFC 3629,
/// section 4.
std::size_t valid_sequence(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(s[i]); };
  const auto tail = [&](std::size_t i) { return i < s.size() && (at(i) & 0xC0U) == 0x80U; };
  const auto lead = at(0);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xE0 && at(1) < 0xA0) return 0;  // overlong
    if (lead == 0xED && at(1) > 0x9F) return 0;  // surrogates
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xF0 && at(1) < 0x90) return 0;  // overlong
    if (lead == 0xF4 && at(1) > 0x8F) return 0;  // over U+10FFFF
    return 4;
  }
  return 0;
}

/// Bytes at the start of `s` that are printable ASCII of some kind, eight at a time.
std::size_t ascii_prefix(std::string_view s) {
  std::size_t i = 0;
  for (; i + 8 <= s.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, s.data() + i, 8);
    const bool high = (word & 0x8080808080808080ULL) != 0;
    const bool zero = ((word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL) != 0;
    if (high || zero) break;
  }
  return i;
}

}  // namespace

bool is_clean_utf8(std::string_view text) {
  while (!text.empty()) {
    auto n = ascii_prefix(text);
    if (n == 0) n = valid_sequence(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::string clean_utf8(std::string_view text) {
  if (is_clean_utf8(text)) return std::string{text};
  std::string out;
  out.reserve(text.size());
  bool in_invalid = false;
  while (!text.empty()) {
    auto n = ascii_prefix(text);
    if (n == 0) n = valid_sequence(text);
    if (n > 0) {
      out.append(text.substr(0, n));
      in_invalid = false;
    } else {
      n = 1;
      if (text[0] != '\0' && !in_invalid) {
        out.append("\xEF\xBF\xBD");
        in_invalid = true;
      }
    }
    text.remove_prefix(n);
  }
  return out;
}

}  // namespace millrace
