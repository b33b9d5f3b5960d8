// Cuts a table of any length into table elements, each of which starts with the header, so that
// every part of a long table can be understood alone. One document, one thread. Holds at most
// rows_per_table rows and bytes_per_table bytes of them, and one row more.
#pragma once

#include <vector>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/markdown_table.hpp"

namespace millrace::parsers {

class table_cutter {
 public:
  static constexpr std::size_t rows_per_table = 200;
  static constexpr std::size_t bytes_per_table = 256 * 1024;

  explicit table_cutter(document_builder& out) : out_{out} {}

  /// The first row is the header. Moves the cells out.
  void add(table_row& row);
  /// After the last row. The header alone is a table only where there is nothing else.
  void flush();

 private:
  document_builder& out_;
  std::vector<table_row> rows_;  ///< The header, then the rows since the last flush.
  std::size_t bytes_ = 0;
  bool flushed_ = false;
};

}  // namespace millrace::parsers
