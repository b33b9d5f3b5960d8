// The table of formats: one row for each format that can be told from others, with the parser that
// reads it. To add a format: write its parser in a file of its own, declare it here and put it into
// its row of format.cpp.
#pragma once

#include <string_view>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/parse.hpp"

namespace millrace::parsers {

/// What a parser gets. Views live as long as the call.
struct parse_input {
  std::string_view bytes;  ///< The whole file.
  std::string_view text;   ///< The same as clean UTF-8, for formats that are text; else empty.
  const parse_limits& limits;
  const progress_callback& progress;
};

/// Adds a document's elements to `out`. Gives up by throwing parse_failure.
using parse_function = void (*)(const parse_input& in, document_builder& out);

void parse_plain_text(const parse_input& in, document_builder& out);
void parse_markdown(const parse_input& in, document_builder& out);
void parse_html(const parse_input& in, document_builder& out);
void parse_csv(const parse_input& in, document_builder& out);
void parse_pdf(const parse_input& in, document_builder& out);
void parse_docx(const parse_input& in, document_builder& out);

enum class format_group : unsigned char {
  document,
  archive,    ///< Refused for good: its files are documents of their own.
  encrypted,  ///< Known by its container: cannot be read without the password.
};

struct format {
  std::string_view mime;
  std::string_view name;           ///< As users call it, for messages.
  parse_function parse = nullptr;  ///< Null where nobody reads it yet.
  format_group group = format_group::document;
};

/// The row of this MIME type, null where there is none.
const format* find_format(std::string_view mime);

/// "PDF, DOCX, ...": the names of all formats that have a parser.
std::string supported_formats();

}  // namespace millrace::parsers
