// Cuts a long table into table elements that each start with the header, so that every part can be
// understood alone. One table, one thread; holds the rows of one part.
#pragma once

#include <cstddef>
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
  /// The header alone is a table only where there is nothing else.
  void flush();

 private:
  document_builder& out_;
  std::vector<table_row> rows_;  ///< The header, then the rows since the last flush.
  std::size_t bytes_ = 0;
  bool flushed_ = false;
};

}  // namespace millrace::parsers
