// Plain text for people: tables, numbers and durations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::cli {

/// Columns padded to their widest cell, the first row underlined by nothing but its place. Cells
/// are cut at `max_cell` characters; control characters are shown as '?', so that a file name
/// cannot steer a terminal.
std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t max_cell = 100);

/// 12345 → "12,345".
std::string thousands(std::int64_t n);
/// 75.3 → "1m 15s", 0.42 → "0.4s".
std::string short_duration(double seconds);
/// One line of `text`, at most `width` characters.
std::string one_line(std::string_view text, std::size_t width);

}  // namespace millrace::cli
