// Where a relative reference inside a package leads (RFC 3986, without queries). Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace::parsers {

/// The part that `reference` means in the part `base` ("OEBPS/text/one.xhtml" and "../a%20b.png"
/// give "OEBPS/a b.png"); empty where it leads out of the package.
std::string resolve_part(std::string_view base, std::string_view reference);

/// "/a/./b/..//c" as "a/c"; what leads above the root begins there.
std::string without_dots(std::string_view path);

}  // namespace millrace::parsers
