// Durations and sizes as people write them: "1500ms", "10s", "2h"; "50MB" is 50,000,000 bytes,
// "4GiB" is 4 × 2^30. to_string() gives the shortest text that parses back to the same value.
//
// Pure functions; any thread may call them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"

namespace millrace {

/// A whole number and one of ms, s, m, h, d; nothing where the text is not one or does not fit.
std::optional<duration> parse_duration(std::string_view text);
/// A whole number and one of B, KB, MB, GB, TB, KiB, MiB, GiB, TiB; nothing where the text is not
/// one or does not fit.
std::optional<byte_size> parse_byte_size(std::string_view text);
/// "70%" → 70, for 1 % to 100 %; nothing else.
std::optional<int> parse_percent(std::string_view text);

std::string to_string(byte_size size);
std::string to_string(duration d);

}  // namespace millrace
