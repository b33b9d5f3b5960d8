#include "runtime/parsers/odf_table.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/spanning_cells.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Rows of a sheet; more repetitions than these are nonsense.
constexpr std::uint64_t max_rows = 1'048'576;

std::uint64_t number_of(const pugi::xml_node& node, std::string_view name) {
  const auto text = attribute_named(node, name);
  std::uint64_t value = 1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::clamp<std::uint64_t>(value, 1, max_rows);
}

}  // namespace

void odf_table_reader::read(const pugi::xml_node& table) {
  from_above_.clear();
  read_rows(table, 0);
}

void odf_table_reader::read_rows(const pugi::xml_node& parent, std::uint32_t depth) {
  if (depth > max_depth_)
    throw parse_failure{ec::limit_exceeded, "the document nests groups of rows deeper than " +
                                                std::to_string(max_depth_) +
                                                " levels; save it again with its own application"};
  for (const auto node : parent.children()) {
    const auto name = local_name(node);
    if (name == "table-row")
      read_row(node);
    else if (name == "table-rows" || name == "table-header-rows" || name == "table-row-group")
      read_rows(node, depth + 1);
  }
}

void odf_table_reader::read_row(const pugi::xml_node& row) {
  const auto repeats = number_of(row, "number-rows-repeated");
  table_row cells;
  std::size_t column = 0;
  const auto put = [&](std::size_t at, const std::string& text) {
    cells.resize(at);
    cells.push_back(text);
  };
  for (const auto cell : row.children()) {
    const auto name = local_name(cell);
    const bool covered = name == "covered-table-cell";
    if (!covered && name != "table-cell") continue;
    const auto times = number_of(cell, "number-columns-repeated");
    const auto end = std::min<std::uint64_t>(column + times, max_columns);
    const auto text = covered ? std::string{} : cell_(cell);
    const auto rows = number_of(cell, "number-rows-spanned");
    if (rows > 1 && column < end && !text.empty() && text.size() <= max_repeated_bytes)
      from_above_[column] = {rows, text};
    // Blank and covered cells are passed over at once, however many they are.
    if (covered) {
      for (auto at = from_above_.lower_bound(column); at != from_above_.end() && at->first < end;
           ++at)
        put(at->first, at->second.text);
    } else if (!trim(text).empty()) {
      for (auto i = column; i < end; ++i) put(i, text);
    }
    column = end;
    if (column == max_columns) break;
  }
  for (auto at = from_above_.begin(); at != from_above_.end();) {
    at->second.rows_left -= std::min(at->second.rows_left, repeats);
    at = at->second.rows_left == 0 ? from_above_.erase(at) : std::next(at);
  }
  count(cells.size() * repeats);
  if (cells.empty()) return row_(cells);
  for (std::uint64_t i = 1; i < repeats; ++i) {
    auto copy = cells;
    row_(copy);
  }
  row_(cells);
}

void odf_table_reader::count(std::uint64_t cells) {
  cells_ += cells;
  if (cells_ > max_cells)
    throw parse_failure{ec::limit_exceeded, "the document's tables have more than " +
                                                std::to_string(max_cells / 1'000'000) +
                                                " million cells; split it into smaller documents"};
}

}  // namespace millrace::parsers
