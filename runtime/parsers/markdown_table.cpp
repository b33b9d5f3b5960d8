#include "runtime/parsers/markdown_table.hpp"

#include <algorithm>
#include <string_view>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Short rows are padded to this many columns: beyond it a single wide row would make every row
/// wide.
constexpr std::size_t max_padded_columns = 100;

void append_cell(std::string& out, std::string_view cell) {
  const auto text = collapse(cell);
  out.push_back(' ');
  for (const char c : text) {
    if (c == '|') out.push_back('\\');
    out.push_back(c);
  }
  out.append(text.empty() ? "|" : " |");
}

bool is_blank_row(const table_row& row) {
  return std::all_of(row.begin(), row.end(),
                     [](const std::string& cell) { return trim(cell).empty(); });
}

}  // namespace

std::string markdown_table(const std::vector<table_row>& rows) {
  // Blank rows and columns say nothing, and would be paid for in every row.
  std::vector<bool> used;
  for (const auto& row : rows) {
    used.resize(std::max(used.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) used[i] = used[i] || !trim(row[i]).empty();
  }
  std::string out;
  bool header_done = false;
  for (const auto& row : rows) {
    if (is_blank_row(row)) continue;
    out.push_back('|');
    const auto width = std::max(row.size(), std::min(used.size(), max_padded_columns));
    for (std::size_t i = 0; i < width; ++i)
      if (used[i]) append_cell(out, i < row.size() ? row[i] : std::string_view{});
    out.push_back('\n');
    if (header_done) continue;
    header_done = true;
    out.push_back('|');
    for (std::size_t i = 0; i < used.size(); ++i)
      if (used[i]) out.append(" --- |");
    out.push_back('\n');
  }
  if (!out.empty()) out.pop_back();
  return out;
}

}  // namespace millrace::parsers
