// The cells of one sheet as they are shown, read as a stream: a sheet of a million cells costs some
// 16 MB beside its text, never a tree. One document, one thread. All sheets of a document share a
// sheet_budget; over it limit_exceeded, since half a workbook would look like a whole one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/xlsx_workbook.hpp"
#include "runtime/parsers/xml_stream.hpp"

namespace millrace::parsers {

/// Excel's own limits of a sheet.
constexpr std::uint32_t max_sheet_rows = 1'048'576;
constexpr std::uint32_t max_sheet_columns = 16'384;
/// Of all sheets; cells without text are not counted.
constexpr std::uint64_t max_workbook_cells = 10'000'000;
constexpr std::size_t max_sheet_merges = 100'000;

struct sheet_budget {
  std::uint64_t cells = max_workbook_cells;
  std::uint64_t bytes;  ///< Of cells' text: parse_limits::max_text_bytes.
};

struct sheet_cell {
  std::uint32_t row = 0;     ///< From 0.
  std::uint16_t column = 0;  ///< From 0.
  bool is_number = false;    ///< Shown from a number, a date or a truth value.
  std::uint32_t at = 0;      ///< Of its text in sheet_content::texts.
  std::uint32_t size = 0;
};

struct cell_range {
  std::uint32_t first_row = 0;
  std::uint32_t last_row = 0;
  std::uint32_t first_column = 0;
  std::uint32_t last_column = 0;
};

struct sheet_content {
  std::vector<sheet_cell> cells;  ///< By row, then column; only cells with text.
  std::string texts;
  std::vector<cell_range> merges;
  std::vector<std::string> links;  ///< Relationships of hyperlinks.
  std::string drawing;             ///< Relationship of the drawing, empty where there is none.

  std::string_view text(const sheet_cell& cell) const {
    return std::string_view{texts}.substr(cell.at, cell.size);
  }
};

/// What could be read is in `out` also where the part is broken.
stream_end read_sheet(ooxml_package& package, const std::string& part,
                      const xlsx_workbook& workbook, sheet_budget& budget, sheet_content& out);

}  // namespace millrace::parsers
