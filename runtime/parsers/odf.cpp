// OpenDocument texts, spreadsheets, presentations and drawings (ISO/IEC 26300), their templates,
// and their flat form in one XML file.
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/odf_package.hpp"
#include "runtime/parsers/odf_walker.hpp"

namespace millrace::parsers {

/// The body says what the document is, whatever its MIME type says.
void parse_odf(const parse_input& in, document_builder& out) {
  odf_package package{in};
  if (package.is_damaged())
    out.warn(ec::partly_read,
             "the document's content breaks off or is no well-formed XML; what stands before that "
             "place was read: open it with its own application and save it again");
  odf_walker walker{package, in, out};
  walker.read_properties();
  const auto body = odf_package::body_of(package.content());
  const auto kind = local_name(body);
  if (kind == "spreadsheet")
    walker.walk_sheets(body);
  else if (kind == "presentation" || kind == "drawing")
    walker.walk_pages(body);
  else
    walker.walk_text(body);
}

}  // namespace millrace::parsers
