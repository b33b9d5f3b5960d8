#include "app/cli/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace millrace::cli {

namespace {

/// Characters, not bytes: enough for padding (wide characters count as one).
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

std::string one_line(std::string_view text, std::size_t width) {
  std::string line;
  std::size_t characters = 0;
  bool space = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r') {
      space = !line.empty();
      continue;
    }
    const bool starts = (byte & 0xC0U) != 0x80U;
    if (starts && characters + (space ? 1 : 0) >= width) return line + "…";
    if (space) {
      line += ' ';
      ++characters;
      space = false;
    }
    line += byte < 0x20 || byte == 0x7F ? '?' : text[i];
    characters += starts;
  }
  return line;
}

std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t max_cell) {
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      line.push_back(one_line(row[i], max_cell));
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], width_of(line.back()));
    }
  }
  std::string out;
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      out += line[i];
      if (i + 1 < line.size()) out.append(widths[i] - width_of(line[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string thousands(std::int64_t n) {
  const auto digits = std::to_string(std::abs(n));
  std::string out = n < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out.push_back(',');
    out.push_back(digits[i]);
  }
  return out;
}

std::string short_duration(double seconds) {
  char text[64];
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  const auto whole = static_cast<std::int64_t>(seconds);
  if (seconds < 10)
    std::snprintf(text, sizeof text, "%.1fs", seconds);
  else if (whole < 60)
    std::snprintf(text, sizeof text, "%llds", static_cast<long long>(whole));
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%lldm %llds", static_cast<long long>(whole / 60),
                  static_cast<long long>(whole % 60));
  else
    std::snprintf(text, sizeof text, "%lldh %lldm", static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole / 60 % 60));
  return text;
}

}  // namespace millrace::cli
