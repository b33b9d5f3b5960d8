// Makes XHTML fit for a parser of HTML. Pure, any thread; linear, the result is at most as many
// times longer than the text as a tag's name allows (2).
#pragma once

#include <string>
#include <string_view>

namespace millrace::parsers {

/// Writes `<title/>` as `<title></title>`: to HTML an empty tag is an opening one, and some swallow
/// the whole page that follows.
std::string expand_empty_tags(std::string_view xhtml);

}  // namespace millrace::parsers
