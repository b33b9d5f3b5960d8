// An extracted document for `millrace extract FILE [--json]`: as text to read, or as one JSON
// object.
//
// Pure functions, any thread.
#pragma once

#include <string>

#include "runtime/core/document.hpp"

namespace millrace {

/// Markdown-like: headings by #, lists by -, code fenced, images and page breaks in brackets. Ends
/// with a newline.
std::string render_text(const extracted_document& document);

/// {"mime","sha256","size","pages","title","elements":[{"kind","level","page","heading_path","text","image"?}]}.
/// heading_path holds the titles and headings above an element, outermost first, itself not
/// included; image is {"sha256","mime","width","height","size"}.
std::string render_json(const extracted_document& document);

}  // namespace millrace
