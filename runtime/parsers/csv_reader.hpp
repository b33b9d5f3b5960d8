// Rows of delimited text (RFC 4180, read by libcsv). One call, one thread. Bounded by the text; a
// row is handed on before the next is read, so memory is one row.
#pragma once

#include <functional>
#include <string_view>

#include "runtime/parsers/markdown_table.hpp"

namespace millrace::parsers {

/// May move the row's cells out.
using row_callback = std::function<void(table_row& row)>;

/// A quoted field may hold delimiters, quotes and line ends; blank lines are no rows. An exception
/// of `on_row` ends the reading and is thrown on. A quote that is never closed throws parse_failure
/// with malformed_document only where it swallows more than max_field_bytes.
void read_csv(std::string_view text, char delimiter, const row_callback& on_row);

}  // namespace millrace::parsers
