// reStructuredText inside of a line: text without its markup. Pure, any thread; linear.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace millrace::parsers {

/// Of `|name|`, by name.
using rst_substitutions = std::map<std::string, std::string, std::less<>>;
using link_callback = std::function<void(std::string_view target)>;

/// `text` without emphasis, literals, roles, references and escapes. `on_link` gets the targets of
/// links.
std::string without_rst_markup(std::string_view text, const rst_substitutions& substitutions,
                               const link_callback& on_link);

}  // namespace millrace::parsers
