// HTML pages.
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/html_tree.hpp"
#include "runtime/parsers/html_walker.hpp"

namespace millrace::parsers {

void parse_html(const parse_input& in, document_builder& out) {
  const html_tree tree{in.text};
  html_walker{out}.walk_page(tree.root());
}

}  // namespace millrace::parsers
