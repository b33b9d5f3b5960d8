// How wide text is on a terminal, and text that fits: in columns, where East Asian characters and
// emoji take two and combining marks none. Independent of the locale.
//
// Pure functions. Text that is not valid UTF-8 is repaired; control characters, those of U+0080 to
// U+009F too, become '?', so that a file name cannot steer a terminal.
#pragma once

#include <string>
#include <string_view>

namespace millrace::cli {

std::size_t columns_of(std::string_view text);
/// The begin of `text`, at most so many columns; where something is left out, it ends with '…'.
std::string fit_begin(std::string_view text, std::size_t columns);
/// The end of `text`, likewise: '…' comes first. For paths, whose end says most.
std::string fit_end(std::string_view text, std::size_t columns);

}  // namespace millrace::cli
