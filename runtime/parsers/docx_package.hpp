// The parts of a DOCX package (ECMA-376 part 2): which part is the document, and where its
// relationships lead. One document, one thread; bounds are those of zip_container.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/core/document.hpp"
#include "runtime/parsers/parse.hpp"
#include "runtime/parsers/zip_container.hpp"

namespace millrace::parsers {

/// A part as a tree; the text that the tree points into lives here too.
struct xml_part {
  std::string buffer;
  pugi::xml_document tree;
};

/// The name without its namespace prefix, which each producer chooses as it likes.
std::string_view local_name(const pugi::xml_node& node);
/// The first child or attribute of this local name; a null node where there is none.
pugi::xml_node child_named(const pugi::xml_node& node, std::string_view name);
std::string_view attribute_named(const pugi::xml_node& node, std::string_view name);

class docx_package {
 public:
  docx_package(std::string_view bytes, const parse_limits& limits);

  /// The main document. Throws malformed_document where it is missing or no XML.
  const pugi::xml_node& document() const { return document_; }
  /// The part that the document relates to by this kind ("styles", "footnotes", ...); null where
  /// there is none or where it is broken: a document without its styles is better than none.
  std::unique_ptr<xml_part> related_part(std::string_view kind);
  /// What is known of the embedded image of this relationship; nothing for links to other places.
  std::optional<image_info> image(const std::string& relationship_id);
  /// The title in the document's properties.
  std::string title();

 private:
  struct relationship {
    std::string kind;    ///< Last segment of its type.
    std::string target;  ///< Part name without a leading slash; empty where external.
  };
  using relationships = std::map<std::string, relationship, std::less<>>;  // By identifier.

  std::unique_ptr<xml_part> read_xml(const std::string& name);
  relationships read_relationships(const std::string& part);

  zip_container zip_;
  relationships package_relationships_;
  relationships document_relationships_;
  std::unique_ptr<xml_part> main_;
  pugi::xml_node document_;
  std::map<std::string, image_info> images_;  ///< By part name: an image may stand in many places.
};

}  // namespace millrace::parsers
