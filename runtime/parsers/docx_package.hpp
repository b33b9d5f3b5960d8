// The parts of a Word document: the text and what it relates to. One document, one thread; bounds
// are those of zip_container.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/parsers/ooxml_package.hpp"

namespace millrace::parsers {

class docx_package {
 public:
  docx_package(std::string_view bytes, const parse_limits& limits);

  /// The main document. Throws malformed_document where it is missing or no XML.
  const pugi::xml_node& document() const { return document_; }
  /// The part that the document relates to by this kind ("styles", "footnotes", ...); null where
  /// there is none or where it is broken.
  std::unique_ptr<xml_part> related_part(std::string_view kind);
  /// What is known of the embedded image of this relationship; nothing for links to other places.
  std::optional<image_info> image(const std::string& relationship_id);
  const relationship_map& relationships() const { return relationships_; }
  ooxml_package& package() { return package_; }

 private:
  ooxml_package package_;
  relationship_map relationships_;
  std::unique_ptr<xml_part> main_;
  pugi::xml_node document_;
};

}  // namespace millrace::parsers
