// Whether the tables of a Word document are there and say what libwv can follow: it takes every
// count and place as true, ends the process where there is nothing, and goes on for ever where it
// looks for a page that does not come. Pure; one document, one thread.
#pragma once

#include <cstdint>
#include <string_view>

#include <wv.h>

namespace millrace::parsers {

/// WORD6, WORD7 (Word 95) or WORD8 (Word 97 to 2003); others are not read.
wvVersion doc_version(const FIB& fib);

/// `text`: the stream "WordDocument"; `tables`: the stream that `fib` places its tables in, the
/// same one before Word 97. Throws malformed_document, and limit_exceeded where the piece table
/// has more than `max_characters` characters.
void check_doc_tables(const FIB& fib, std::string_view text, std::string_view tables,
                      std::uint64_t max_characters);

[[noreturn]] void fail_damaged_doc();

}  // namespace millrace::parsers
