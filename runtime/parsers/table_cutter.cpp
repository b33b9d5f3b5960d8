#include "runtime/parsers/table_cutter.hpp"

#include <utility>

namespace millrace::parsers {

void table_cutter::add(table_row& row) {
  for (const auto& cell : row) bytes_ += cell.size() + 1;  // An empty cell costs its mark.
  rows_.push_back(std::move(row));
  if (rows_.size() > rows_per_table || bytes_ > bytes_per_table) flush();
}

void table_cutter::flush() {
  if (rows_.empty() || (rows_.size() == 1 && flushed_)) return;
  out_.add(element_kind::table, markdown_table(rows_));
  rows_.resize(1);
  bytes_ = 0;
  flushed_ = true;
}

}  // namespace millrace::parsers
