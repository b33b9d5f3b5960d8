#include "runtime/parsers/html_table.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "runtime/parsers/html_tree.hpp"
#include "runtime/parsers/spanning_cells.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_span = 1000;

bool is_element(const GumboNode* node, GumboTag tag) {
  return node->type == GUMBO_NODE_ELEMENT && node->v.element.tag == tag;
}

template <class Function>
void for_each_child(const GumboNode* node, Function function) {
  const auto& children = node->v.element.children;
  for (unsigned i = 0; i < children.length; ++i)
    function(static_cast<const GumboNode*>(children.data[i]));
}

bool contains_table(const GumboNode* table) {
  std::vector<const GumboNode*> open;
  const auto push = [&](const GumboNode* child) { open.push_back(child); };
  for_each_child(table, push);
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    if (node->type != GUMBO_NODE_ELEMENT) continue;
    if (node->v.element.tag == GUMBO_TAG_TABLE) return true;
    for_each_child(node, push);
  }
  return false;
}

bool is_cell(const GumboNode* node) {
  return is_element(node, GUMBO_TAG_TD) || is_element(node, GUMBO_TAG_TH);
}

std::size_t span_of(const GumboNode* cell, const char* attribute) {
  const auto value = html_attribute(cell, attribute);
  std::size_t span = 1;
  std::from_chars(value.data(), value.data() + value.size(), span);
  return std::clamp<std::size_t>(span, 1, max_span);
}

}  // namespace

html_table read_html_table(const GumboNode* table) {
  html_table out;
  std::size_t widest = 0;
  const auto add_row = [&](const GumboNode* row) {
    std::size_t cells = 0;
    for_each_child(row, [&](const GumboNode* cell) { cells += is_cell(cell) ? 1U : 0U; });
    widest = std::max(widest, cells);
    out.rows.push_back(row);
  };
  for_each_child(table, [&](const GumboNode* child) {
    if (is_element(child, GUMBO_TAG_CAPTION)) out.caption = child;
    if (is_element(child, GUMBO_TAG_TR)) add_row(child);
    if (is_element(child, GUMBO_TAG_THEAD) || is_element(child, GUMBO_TAG_TBODY) ||
        is_element(child, GUMBO_TAG_TFOOT))
      for_each_child(child, [&](const GumboNode* row) {
        if (is_element(row, GUMBO_TAG_TR)) add_row(row);
      });
  });
  const auto role = html_attribute(table, "role");
  out.is_layout = role == "presentation" || role == "none" || widest <= 1 || contains_table(table);
  return out;
}

std::vector<table_row> html_table_rows(
    const html_table& table, const std::function<std::string(const GumboNode*)>& cell_text) {
  struct spanning {
    std::size_t rows_left;
    std::string text;
  };
  std::map<std::size_t, spanning> from_above;  // By column.
  std::vector<table_row> out;
  out.reserve(table.rows.size());
  for (const auto* row : table.rows) {
    table_row cells;
    const auto take_from_above = [&] {
      for (auto at = from_above.find(cells.size()); at != from_above.end();
           at = from_above.find(cells.size())) {
        cells.push_back(at->second.text);
        if (--at->second.rows_left == 0) from_above.erase(at);
      }
    };
    for_each_child(row, [&](const GumboNode* cell) {
      if (!is_cell(cell)) return;
      take_from_above();
      auto text = cell_text(cell);
      const auto columns = span_of(cell, "colspan");
      const auto rows = span_of(cell, "rowspan");
      for (std::size_t i = 0; i < columns; ++i) {
        if (i > 0 && cells.size() >= max_filled_columns) break;
        if (rows > 1 && cells.size() < max_filled_columns)
          from_above[cells.size()] = {
              rows - 1, i == 0 && text.size() <= max_repeated_bytes ? text : std::string{}};
        cells.push_back(i == 0 ? std::move(text) : std::string{});
      }
    });
    take_from_above();
    out.push_back(std::move(cells));
  }
  return out;
}

}  // namespace millrace::parsers
