// HTML pages.
#include "runtime/parsers/data_url.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/html_tree.hpp"
#include "runtime/parsers/html_walker.hpp"
#include "runtime/parsers/xhtml.hpp"

namespace millrace::parsers {

void parse_html(const parse_input& in, document_builder& out) {
  // Only XML has empty tags; HTML reads <p/> as <p>, and so do its authors.
  const auto xhtml = in.text.starts_with("<?xml") ? expand_empty_tags(in.text) : std::string{};
  const html_tree tree{xhtml.empty() ? in.text : std::string_view{xhtml}};
  html_walker{out}.walk_page(tree.root());
}

std::string load_html_image(std::string_view bytes, std::string_view source,
                            const parse_limits& /*limits*/) {
  return load_data_url(bytes, source);
}

}  // namespace millrace::parsers
