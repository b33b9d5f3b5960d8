// Finds the tables on a sheet and adds them as elements. Pure but for `out`; one thread.
//
// Two empty rows part tables, one does where a header seems to follow; empty columns do where each
// side has a header of its own. Lines above a table that have one cell, and cells that stand alone,
// become paragraphs. Long tables are cut as those of CSV files are (table_cutter.hpp).
#pragma once

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/spanning_cells.hpp"
#include "runtime/parsers/xlsx_sheet.hpp"

namespace millrace::parsers {

/// A merged cell fills its fields in rows that have other cells, and no more than these in a sheet.
constexpr std::size_t max_filled_cells = 1'000'000;
void fill_merged_cells(sheet_content& sheet);

void add_sheet_tables(const sheet_content& sheet, document_builder& out);

}  // namespace millrace::parsers
