#include "runtime/parsers/docx_package.hpp"

#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

docx_package::docx_package(std::string_view bytes, const parse_limits& limits)
    : package_{bytes, limits} {
  const auto part = package_.main_part("word/document.xml");
  relationships_ = package_.relationships_of(part);
  if (!package_.contains(part))
    throw parse_failure{
        ec::malformed_document,
        "the file looks like a Word document, but its text is missing; save it again with Word"};
  main_ = package_.read_xml(part);
  if (!main_)
    throw parse_failure{
        ec::malformed_document,
        "the Word document's text is not well-formed XML; open it with Word and save it again"};
  document_ = main_->tree.document_element();
}

std::unique_ptr<xml_part> docx_package::related_part(std::string_view kind) {
  return package_.try_read_xml(relationships_.part_of_kind(kind));
}

std::optional<image_info> docx_package::image(const std::string& relationship_id) {
  return package_.image(relationships_.part(relationship_id));
}

}  // namespace millrace::parsers
