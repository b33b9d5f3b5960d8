// CSV, TSV and their like: each run of rows becomes a table element that starts with the header, so
// that every part of a long table can be understood alone.
#include <utility>
#include <vector>

#include "runtime/parsers/csv_dialect.hpp"
#include "runtime/parsers/csv_reader.hpp"
#include "runtime/parsers/format.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t rows_per_table = 200;
constexpr std::size_t bytes_per_table = 256 * 1024;

class table_cutter {
 public:
  explicit table_cutter(document_builder& out) : out_{out} {}

  void add(table_row& row) {
    for (const auto& cell : row) bytes_ += cell.size();
    rows_.push_back(std::move(row));
    if (rows_.size() > rows_per_table || bytes_ > bytes_per_table) flush();
  }

  /// The header alone is a table only where the file has nothing else.
  void flush() {
    if (rows_.empty() || (rows_.size() == 1 && flushed_)) return;
    out_.add(element_kind::table, markdown_table(rows_));
    rows_.resize(1);
    bytes_ = 0;
    flushed_ = true;
  }

 private:
  document_builder& out_;
  std::vector<table_row> rows_;  ///< The header, then the rows since the last flush.
  std::size_t bytes_ = 0;
  bool flushed_ = false;
};

}  // namespace

void parse_csv(const parse_input& in, document_builder& out) {
  const auto delimiter = sniff_delimiter(in.text).value_or(',');
  table_cutter tables{out};
  read_csv(in.text.substr(delimiter_line_length(in.text)), delimiter,
           [&](table_row& row) { tables.add(row); });
  tables.flush();
}

}  // namespace millrace::parsers
