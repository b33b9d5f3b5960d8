// Guesses whether a text is a table of delimited fields, and with which delimiter. Pure, any
// thread.
#pragma once

#include <optional>
#include <string_view>

namespace millrace::parsers {

/// Looks at the first 64 KiB. A text is a table where one of `,` `;` TAB `|` splits nearly all of
/// its rows into the same number of fields, and where the fields are not the clauses of prose.
/// Nothing where it is no table.
std::optional<char> sniff_delimiter(std::string_view text);

/// Length of a first line such as "sep=;" with which spreadsheets name the delimiter; 0 where there
/// is none.
std::size_t delimiter_line_length(std::string_view text);

}  // namespace millrace::parsers
