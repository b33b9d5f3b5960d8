// Word documents (Office Open XML, transitional and strict).
#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/docx_walker.hpp"
#include "runtime/parsers/format.hpp"

namespace millrace::parsers {

void parse_docx(const parse_input& in, document_builder& out) {
  docx_package package{in.bytes, in.limits};
  package.package().add_properties(out);
  docx_walker{package, in, out}.walk_document();
  package.package().warn_of_damage(out);
}

}  // namespace millrace::parsers
