// Excel 97-2003 workbooks: sheets in the order of the workbook, hidden ones as well, each under a
// heading with its name. Dates are shown as ISO 8601 and numbers as Excel's General shows them:
// libfreexl does not tell their formats, nor merged cells, comments and links.
#include <string>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/ole_file.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/xls_workbook.hpp"
#include "runtime/parsers/xlsx_tables.hpp"

namespace millrace::parsers {

namespace {

[[noreturn]] void fail_without_sheets() {
  throw parse_failure{ec::malformed_document,
                      "no sheet of the Excel workbook can be read; get a complete copy of it, or "
                      "open it with Excel and save it as XLSX"};
}

}  // namespace

void parse_xls(const parse_input& in, document_builder& out) {
  ole_file{in.bytes, "Excel"}.add_properties(out);
  const xls_workbook workbook{in.bytes};
  // Every workbook has a sheet; libfreexl answers so where it does not understand what comes
  // before.
  if (workbook.sheet_count() == 0) fail_without_sheets();
  sheet_budget budget{max_workbook_cells, in.limits.max_text_bytes};
  std::uint32_t lost = 0;
  for (std::uint16_t sheet = 0; sheet < workbook.sheet_count(); ++sheet) {
    sheet_content content;
    const auto name = workbook.sheet_name(sheet);
    if (!workbook.read_sheet(sheet, budget, content)) {
      ++lost;
      out.warn(ec::partly_read, "the sheet \"" + name +
                                    "\" is damaged and was left out; open the workbook with Excel "
                                    "and save it again");
    }
    // An empty sheet's name would be a hit for nothing.
    if (!content.cells.empty()) {
      out.add(element_kind::heading, name, 1);
      add_sheet_tables(content, out);
    }
    if (in.progress) in.progress(sheet + 1U);
  }
  if (lost == workbook.sheet_count()) fail_without_sheets();
}

}  // namespace millrace::parsers
