// The table of formats: one row for each format that can be told from others, with the parser that
// reads it. To add a format: write its parser in a file of its own, declare it here and put it into
// its row of format.cpp.
#pragma once

#include <string_view>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/parse.hpp"

namespace millrace::parsers {

/// Called by a parser after each finished page (or comparable piece) with the number finished so
/// far.
using progress_callback = std::function<void(std::uint32_t pages_done)>;

/// What a parser gets. Views live as long as the call.
struct parse_input {
  std::string_view bytes;  ///< The whole file.
  std::string_view text;   ///< The same as clean UTF-8, for formats that are text; else empty.
  const parse_limits& limits;
  const progress_callback& progress;
  std::uint32_t depth = 0;  ///< Of documents around this one.
};

/// Adds a document's elements to `out`. Gives up by throwing parse_failure.
using parse_function = void (*)(const parse_input& in, document_builder& out);

/// The encoded bytes of the image at `source`, as the format's parser wrote it. Gives up by
/// throwing parse_failure.
using load_image_function = std::string (*)(std::string_view bytes, std::string_view source,
                                            const parse_limits& limits);

/// Reads a document inside the document of `in` (an attachment, a message in a message): its
/// elements go to `out` as they come. Throws what its parser throws; whether that ends the outer
/// document is the caller's choice. `prefix`: the inner document's place, without a slash, to be
/// understood by the outer format's load_image_function when it comes before the first slash of a
/// source (see load_inner_image).
void parse_inner_document(std::string_view bytes, std::string_view prefix, const parse_input& in,
                          document_builder& out);

/// For a load_image_function: the image at `source` of the inner document `bytes`.
std::string load_inner_image(std::string_view bytes, std::string_view source,
                             const parse_limits& limits);

void parse_plain_text(const parse_input& in, document_builder& out);
void parse_markdown(const parse_input& in, document_builder& out);
void parse_html(const parse_input& in, document_builder& out);
void parse_csv(const parse_input& in, document_builder& out);
void parse_pdf(const parse_input& in, document_builder& out);
void parse_docx(const parse_input& in, document_builder& out);
void parse_pptx(const parse_input& in, document_builder& out);
void parse_xlsx(const parse_input& in, document_builder& out);
void parse_doc(const parse_input& in, document_builder& out);
void parse_ppt(const parse_input& in, document_builder& out);
void parse_odf(const parse_input& in, document_builder& out);
void parse_epub(const parse_input& in, document_builder& out);
void parse_rtf(const parse_input& in, document_builder& out);

std::string load_html_image(std::string_view bytes, std::string_view source,
                            const parse_limits& limits);
std::string load_rtf_image(std::string_view bytes, std::string_view source,
                           const parse_limits& limits);
void parse_eml(const parse_input& in, document_builder& out);
void parse_mailbox(const parse_input& in, document_builder& out);
void parse_json(const parse_input& in, document_builder& out);
void parse_json_lines(const parse_input& in, document_builder& out);
void parse_xml(const parse_input& in, document_builder& out);
void parse_restructured_text(const parse_input& in, document_builder& out);

std::string load_eml_image(std::string_view bytes, std::string_view source,
                           const parse_limits& limits);
std::string load_mailbox_image(std::string_view bytes, std::string_view source,
                               const parse_limits& limits);
void parse_image_file(const parse_input& in, document_builder& out);
void parse_tiff(const parse_input& in, document_builder& out);

std::string load_pdf_image(std::string_view bytes, std::string_view source,
                           const parse_limits& limits);
std::string load_image_file(std::string_view bytes, std::string_view source,
                            const parse_limits& limits);

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
  load_image_function load_image = nullptr;  ///< Null where its images have no source.
  std::string_view instead = {};  ///< "save it as ...", where nobody reads it; else empty.
};

/// The row of this MIME type, null where there is none.
const format* find_format(std::string_view mime);

/// "PDF, DOCX, ...": the names of all formats that have a parser.
std::string supported_formats();

}  // namespace millrace::parsers
