#include "runtime/core/document.hpp"

namespace millrace {

std::string_view to_string(element_kind kind) {
  switch (kind) {
    case element_kind::title:
      return "title";
    case element_kind::heading:
      return "heading";
    case element_kind::paragraph:
      return "paragraph";
    case element_kind::list_item:
      return "list_item";
    case element_kind::table:
      return "table";
    case element_kind::code:
      return "code";
    case element_kind::image:
      return "image";
    case element_kind::page_break:
      return "page_break";
  }
  return "unknown";
}

}  // namespace millrace
