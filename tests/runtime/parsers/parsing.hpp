// What the parsers' tests share: parsing a text and printing elements on one line each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/parse.hpp"
#include "tests/support/zip_file.hpp"

namespace millrace::parsers {

/// Parses with the usual limits; a failure fails the test and gives an empty document.
extracted_document parse(std::string_view bytes);
/// The error of a document that must fail; code `none` where it does not.
error parse_error(std::string_view bytes, const parse_limits& limits = {});
/// One line an element: "heading2: Feeding". Levels are left out where they are 0.
std::vector<std::string> lines_of(const extracted_document& document);
std::string read_sample(const std::string& name);
std::string repeated(std::string_view text, int times);

}  // namespace millrace::parsers
