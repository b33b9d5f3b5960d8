// Tells kinds of text apart by their content: HTML, XML, JSON, e-mail, reStructuredText, CSV,
// Markdown, and plain text for all else. Heuristics, each with its rule beside it; they look at the
// first 64 KiB. Pure, any thread.
#pragma once

#include <string_view>

namespace millrace::parsers {

/// The MIME type of `text`, which is clean UTF-8.
std::string_view detect_text_format(std::string_view text);

}  // namespace millrace::parsers
