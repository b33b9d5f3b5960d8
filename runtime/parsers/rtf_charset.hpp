// The character sets that Rich Text Format names by number (RTF 1.9.1, "Font Table" and "Code
// Page"), as iconv calls them. Pure, any thread.
#pragma once

#include <string>

namespace millrace::parsers {

/// Of \fcharset: empty where the document's own set is meant, "SYMBOL" for fonts of symbols.
std::string charset_of_font(int fcharset);
/// Of \ansicpg and \cpg, which are Windows code pages.
std::string charset_of_code_page(int code_page);

}  // namespace millrace::parsers
