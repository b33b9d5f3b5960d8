#include "runtime/parsers/xls_workbook.hpp"

#include <algorithm>
#include <cstdio>

#include <freexl.h>

#include "runtime/parsers/number_format.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// What libfreexl's next fopen() opens.
thread_local std::string_view to_open;

std::string cell_text(const FreeXL_CellValue& cell) {
  switch (cell.type) {
    case FREEXL_CELL_INT:
      return show_general(cell.value.int_value);
    case FREEXL_CELL_DOUBLE:
      return show_general(cell.value.double_value);
    case FREEXL_CELL_NULL:
      return {};
    default:
      return cell.value.text_value == nullptr ? std::string{} : std::string{cell.value.text_value};
  }
}

bool is_text(const FreeXL_CellValue& cell) {
  return cell.type == FREEXL_CELL_TEXT || cell.type == FREEXL_CELL_SST_TEXT;
}

/// Dates come with the time at midnight, which says nothing, where their format has a time.
std::string_view without_midnight(std::string_view text, const FreeXL_CellValue& cell) {
  constexpr std::string_view midnight = " 00:00:00";
  if (cell.type == FREEXL_CELL_DATETIME && text.ends_with(midnight))
    text.remove_suffix(midnight.size());
  return text;
}

void add_cell(std::uint32_t row, std::uint16_t column, bool is_number, std::string_view text,
              sheet_budget& budget, sheet_content& out) {
  if (budget.cells == 0)
    throw parse_failure{ec::limit_exceeded,
                        "the workbook has more than " + std::to_string(max_workbook_cells) +
                            " cells; split it into smaller workbooks, or save its sheets as CSV"};
  if (text.size() > budget.bytes || out.texts.size() + text.size() > UINT32_MAX)
    throw parse_failure{ec::limit_exceeded,
                        "the workbook's cells hold more text than a document may have; split it "
                        "into smaller workbooks"};
  --budget.cells;
  budget.bytes -= text.size();
  out.cells.push_back({row, column, is_number, static_cast<std::uint32_t>(out.texts.size()),
                       static_cast<std::uint32_t>(text.size())});
  out.texts += text;
}

}  // namespace

extern "C" std::FILE* millrace_open_workbook(const char* path, const char* mode);

/// Stands for fopen() in libfreexl. The workbook is only read.
std::FILE* millrace_open_workbook(const char*, const char*) {
  return ::fmemopen(const_cast<char*>(to_open.data()), to_open.size(), "rb");
}

xls_workbook::xls_workbook(std::string_view bytes) {
  to_open = bytes;
  const int opened = freexl_open("workbook", &handle_);
  const auto info = [this](unsigned short what) {
    unsigned int value = FREEXL_UNKNOWN;
    freexl_get_info(handle_, what, &value);
    return value;
  };
  if (info(FREEXL_BIFF_PASSWORD) == FREEXL_BIFF_OBFUSCATED) {
    freexl_close(handle_);
    throw parse_failure{ec::encrypted_document,
                        "the Excel workbook is protected by a password; remove its password and "
                        "submit it again"};
  }
  if (opened != FREEXL_OK) {
    freexl_close(handle_);
    throw parse_failure{ec::malformed_document,
                        "the Excel workbook is cut off or damaged; get a complete copy of it, or "
                        "open it with Excel and save it again"};
  }
  sheets_ =
      static_cast<std::uint16_t>(std::min<unsigned int>(info(FREEXL_BIFF_SHEET_COUNT), UINT16_MAX));
}

xls_workbook::~xls_workbook() {
  freexl_close(handle_);
}

std::string xls_workbook::sheet_name(std::uint16_t sheet) const {
  const char* name = nullptr;
  if (freexl_get_worksheet_name(handle_, sheet, &name) != FREEXL_OK || name == nullptr) return {};
  return name;
}

bool xls_workbook::read_sheet(std::uint16_t sheet, sheet_budget& budget, sheet_content& out) const {
  unsigned int rows = 0;
  unsigned short columns = 0;
  if (freexl_select_active_worksheet(handle_, sheet) != FREEXL_OK ||
      freexl_worksheet_dimensions(handle_, &rows, &columns) != FREEXL_OK)
    return false;
  for (unsigned int row = 0; row < std::min(rows, max_sheet_rows); ++row)
    for (unsigned short column = 0; column < std::min<std::uint32_t>(columns, max_sheet_columns);
         ++column) {
      FreeXL_CellValue cell{};
      if (freexl_get_cell_value(handle_, row, column, &cell) != FREEXL_OK) continue;
      const auto shown = cell_text(cell);
      const auto text = without_midnight(trim(shown), cell);
      if (!text.empty()) add_cell(row, column, !is_text(cell), text, budget, out);
    }
  return true;
}

}  // namespace millrace::parsers
