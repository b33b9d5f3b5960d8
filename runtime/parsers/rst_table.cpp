#include "runtime/parsers/rst_table.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_columns = 200;

bool consists_of(std::string_view line, std::string_view characters) {
  return line.find_first_not_of(characters) == std::string_view::npos;
}

void add_text(std::string& cell, std::string_view text) {
  const auto clean = trim(text);
  if (clean.empty()) return;
  if (!cell.empty()) cell.push_back(' ');
  cell.append(clean);
}

/// Columns are counted in characters, not in bytes.
std::string_view columns_of(std::string_view line, std::size_t from, std::size_t to) {
  std::size_t column = 0;
  std::size_t begin = line.size();
  std::size_t end = line.size();
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xC0U) == 0x80U) continue;
    if (column == from) begin = i;
    if (column == to) end = i;
    ++column;
  }
  return begin < end ? line.substr(begin, end - begin) : std::string_view{};
}

void end_row(std::vector<table_row>& rows, table_row& row) {
  const bool has_text =
      std::any_of(row.begin(), row.end(), [](const auto& c) { return !c.empty(); });
  if (has_text) rows.push_back(row);
  for (auto& cell : row) cell.clear();
}

}  // namespace

bool is_grid_border(std::string_view line) {
  line = trim(line);
  return line.size() >= 3 && line.front() == '+' && line.back() == '+' &&
         consists_of(line, "+-=") && line.find("+-") != std::string_view::npos;
}

bool is_simple_border(std::string_view line) {
  line = trim(line);
  return line.size() >= 5 && line.front() == '=' && consists_of(line, "= ") &&
         line.find(' ') != std::string_view::npos;
}

std::size_t grid_table_length(const text_lines& lines, std::size_t start) {
  auto end = start;
  while (end < lines.size() && (lines[end].starts_with("+") || lines[end].starts_with("|"))) ++end;
  return std::max<std::size_t>(end - start, 1);
}

/// Ends with a border before a blank line; a border inside of it ends the header.
std::size_t simple_table_length(const text_lines& lines, std::size_t start) {
  std::size_t borders = 0;
  for (auto at = start; at < lines.size(); ++at) {
    if (!is_simple_border(lines[at])) continue;
    const bool ends = at + 1 == lines.size() || trim(lines[at + 1]).empty();
    if (++borders >= 3 || (borders == 2 && ends)) return at + 1 - start;
  }
  return 1;
}

std::vector<table_row> read_grid_table(const text_lines& lines) {
  std::set<std::size_t> edges;
  for (const auto line : lines)
    if (line.starts_with("+") && consists_of(line, "+-="))
      for (std::size_t i = 0; i < line.size() && edges.size() <= max_columns; ++i)
        if (line[i] == '+') edges.insert(i);
  if (edges.size() < 2) return {};
  const std::vector<std::size_t> columns{edges.begin(), edges.end()};
  std::vector<table_row> rows;
  table_row row(columns.size() - 1);
  for (const auto line : lines) {
    if (line.starts_with("+")) {
      end_row(rows, row);
      continue;
    }
    // Below a cell that spans rows only the others have a border.
    if (line.find("+--") != std::string_view::npos) end_row(rows, row);
    for (std::size_t i = 0; i + 1 < columns.size();) {
      auto last = i + 1;
      while (last + 1 < columns.size() &&
             columns_of(line, columns[last], columns[last] + 1).find_first_of("|+") ==
                 std::string_view::npos)
        ++last;
      const auto text = columns_of(line, columns[i] + 1, columns[last]);
      if (!consists_of(text, "-+=") || text.empty()) add_text(row[i], text);
      i = last;
    }
  }
  end_row(rows, row);
  return rows;
}

std::vector<table_row> read_simple_table(const text_lines& lines) {
  std::vector<std::pair<std::size_t, std::size_t>> columns;
  const auto border = lines.front();
  for (std::size_t i = 0; i < border.size() && columns.size() < max_columns;) {
    const auto begin = border.find('=', i);
    if (begin == std::string_view::npos) break;
    i = std::min(border.find(' ', begin), border.size());
    columns.emplace_back(begin, i);
  }
  if (columns.empty()) return {};
  columns.back().second = std::string_view::npos;
  // A column reaches to the next one, whose edge a text may touch.
  for (std::size_t i = 0; i + 1 < columns.size(); ++i) columns[i].second = columns[i + 1].first;
  std::vector<table_row> rows;
  table_row row(columns.size());
  for (const auto line : lines) {
    if (trim(line).empty() || is_simple_border(line) || consists_of(trim(line), "- ")) continue;
    const bool goes_on = trim(columns_of(line, columns[0].first, columns[0].second)).empty();
    if (!goes_on) end_row(rows, row);
    for (std::size_t i = 0; i < columns.size(); ++i)
      add_text(row[i], columns_of(line, columns[i].first, columns[i].second));
  }
  end_row(rows, row);
  return rows;
}

}  // namespace millrace::parsers
