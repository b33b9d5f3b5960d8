// The grid of an HTML table. Pure; iterative, so that nesting cannot exhaust the stack.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gumbo.h>

#include "runtime/parsers/markdown_table.hpp"

namespace millrace::parsers {

struct html_table {
  bool is_layout =
      false;  ///< Arranges a page and says nothing as a table: its cells are read as blocks.
  const GumboNode* caption = nullptr;
  std::vector<const GumboNode*> rows;  ///< Its own <tr> elements, header first.
};

html_table read_html_table(const GumboNode* table);

/// A cell that spans rows is repeated in each, so that a row can be understood alone; one that
/// spans columns leaves the others empty. Spans fill at most the first 100 columns and end with the
/// table.
std::vector<table_row> html_table_rows(
    const html_table& table, const std::function<std::string(const GumboNode*)>& cell_text);

}  // namespace millrace::parsers
