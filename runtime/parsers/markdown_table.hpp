// Writes rows of cells as a Markdown table, the form in which tables travel as an element's text.
// The first row is the header. Pure; the caller bounds the number of rows and the size of cells.
#pragma once

#include <string>
#include <vector>

namespace millrace::parsers {

using table_row = std::vector<std::string>;

/// Rows may differ in length: short ones are padded. Rows and columns without any text are left
/// out. White space in a cell becomes single spaces and `|` is escaped. Empty where no cell has
/// text.
std::string markdown_table(const std::vector<table_row>& rows);

}  // namespace millrace::parsers
