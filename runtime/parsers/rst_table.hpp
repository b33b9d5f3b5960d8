// Tables that are drawn with characters in reStructuredText. Pure, any thread; time is lines times
// columns, of which max_columns are told apart.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "runtime/parsers/markdown_table.hpp"

namespace millrace::parsers {

using text_lines = std::vector<std::string_view>;

/// "+---+---+": the first line of a grid table.
bool is_grid_border(std::string_view line);
/// "===  ===": the first line of a simple table.
bool is_simple_border(std::string_view line);

/// Lines of the table that starts at `start`; at least 1.
std::size_t grid_table_length(const text_lines& lines, std::size_t start);
std::size_t simple_table_length(const text_lines& lines, std::size_t start);

/// A cell that spans others fills the first of them.
std::vector<table_row> read_grid_table(const text_lines& lines);
std::vector<table_row> read_simple_table(const text_lines& lines);

}  // namespace millrace::parsers
