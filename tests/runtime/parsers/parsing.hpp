// What the parsers' tests share: parsing a text, printing elements on one line each, and making ZIP
// containers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/parsers/parse.hpp"

namespace millrace::parsers {

/// Parses with the usual limits; a failure fails the test and gives an empty document.
extracted_document parse(std::string_view bytes);
/// The error of a document that must fail; code `none` where it does not.
error parse_error(std::string_view bytes, const parse_limits& limits = {});
/// One line an element: "heading2: Feeding". Levels are left out where they are 0.
std::vector<std::string> lines_of(const extracted_document& document);
std::string read_sample(const std::string& name);

using zip_parts = std::vector<std::pair<std::string, std::string>>;
std::string make_zip(const zip_parts& parts);

/// A minimal Word document with this body; `more` are further parts.
std::string make_docx(const std::string& body, const zip_parts& more = {});

}  // namespace millrace::parsers
