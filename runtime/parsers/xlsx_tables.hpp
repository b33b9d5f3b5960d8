// Finds the tables on a sheet and adds them as elements. Pure but for `out`; one thread.
//
// Two empty rows part tables, one does where a header seems to follow; empty columns do where each
// side has a header of its own. Lines above a table that have one cell, and cells that stand alone,
// become paragraphs. Long tables are cut as those of CSV files are (table_cutter.hpp).
#pragma once

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/xlsx_sheet.hpp"

namespace millrace::parsers {

/// A merged cell fills its fields, so that each row says what it belongs to: in rows that have
/// other cells, up to max_repeated_bytes of text and max_filled_columns, and no more than
/// max_filled_cells in a sheet.
constexpr std::size_t max_repeated_bytes = 200;
constexpr std::uint32_t max_filled_columns = 63;
constexpr std::size_t max_filled_cells = 1'000'000;
void fill_merged_cells(sheet_content& sheet);

void add_sheet_tables(const sheet_content& sheet, document_builder& out);

}  // namespace millrace::parsers
