// What a chart says, for every Office format that holds one: its kind and title as a paragraph, its
// numbers as they are cached in it as a table. One call, one thread; bounded by the part's size and
// max_chart_cells.
#pragma once

#include <string>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/ooxml_package.hpp"

namespace millrace::parsers {

/// Points of all series that are kept; the rest of a larger chart is left out.
constexpr std::size_t max_chart_cells = 100'000;

/// Adds nothing where the part is missing or broken.
void add_chart(ooxml_package& package, const std::string& part, document_builder& out);

}  // namespace millrace::parsers
