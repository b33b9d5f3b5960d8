// An Excel 97-2003 workbook (BIFF, version 5 to 8), read by libfreexl. One document, one thread.
//
// libfreexl opens workbooks by a path and the sandbox has no files to offer. Its fopen() is another
// one here (CMakeLists.txt renames it in a copy of the library), which reads the document's bytes
// where they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/parsers/xlsx_sheet.hpp"

namespace millrace::parsers {

class xls_workbook {
 public:
  /// `bytes` must outlive it. Throws encrypted_document, or malformed_document where the workbook's
  /// sheets cannot be found.
  explicit xls_workbook(std::string_view bytes);
  ~xls_workbook();
  xls_workbook(const xls_workbook&) = delete;
  xls_workbook& operator=(const xls_workbook&) = delete;

  std::uint16_t sheet_count() const { return sheets_; }
  std::string sheet_name(std::uint16_t sheet) const;
  /// The cells of a sheet into `out`; false where the sheet cannot be read. Over the budget
  /// limit_exceeded.
  bool read_sheet(std::uint16_t sheet, sheet_budget& budget, sheet_content& out) const;

 private:
  const void* handle_ = nullptr;
  std::uint16_t sheets_ = 0;
};

}  // namespace millrace::parsers
