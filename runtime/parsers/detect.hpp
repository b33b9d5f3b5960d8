// Detects a document's format from its content, never from a name. Cheap checks come first:
// signatures, then the kinds of text; only bytes that are neither are shown to libmagic, whose
// database (about 7 MB) is loaded at its first use in a process.
#pragma once

#include <string>
#include <string_view>

#include "runtime/parsers/charset.hpp"

namespace millrace::parsers {

struct detection {
  std::string mime;
  std::string description;  ///< libmagic's words, where the format is not in our table.
  decoded_text text;        ///< The document as UTF-8, where it is text.
};

/// `bytes` is not empty. Throws parse_failure with malformed_document for a ZIP container that
/// cannot be opened.
detection detect_format(std::string_view bytes);

}  // namespace millrace::parsers
