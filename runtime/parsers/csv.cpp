// CSV, TSV and their like: each run of rows becomes a table element that starts with the header, so
// that every part of a long table can be understood alone.
#include "runtime/parsers/csv_dialect.hpp"
#include "runtime/parsers/csv_reader.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/table_cutter.hpp"

namespace millrace::parsers {

void parse_csv(const parse_input& in, document_builder& out) {
  const auto delimiter = sniff_delimiter(in.text).value_or(',');
  table_cutter tables{out};
  read_csv(in.text.substr(delimiter_line_length(in.text)), delimiter,
           [&](table_row& row) { tables.add(row); });
  tables.flush();
}

}  // namespace millrace::parsers
