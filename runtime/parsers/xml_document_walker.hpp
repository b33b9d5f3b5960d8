// Turns XML of prose into elements (DocBook, JATS, TEI, DITA and their like): sections, paragraphs,
// lists, tables and code by the names that these vocabularies share. One tree, one thread.
//
// Recursion ends at parse_limits::max_depth; below it only text is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/parsers/document_builder.hpp"

namespace millrace::parsers {

/// Whether paragraphs, and words beside elements, are what the tree holds.
bool is_xml_prose(const pugi::xml_node& root);

class xml_document_walker {
 public:
  explicit xml_document_walker(document_builder& out) : out_{out} {}

  void walk_document(const pugi::xml_node& root);

 private:
  void walk_children(const pugi::xml_node& node, std::uint32_t depth);
  void walk_element(const pugi::xml_node& node, std::uint32_t depth);
  void walk_section(const pugi::xml_node& node, std::uint32_t depth);
  void walk_list(const pugi::xml_node& node, std::uint32_t depth);
  void walk_block(const pugi::xml_node& node, std::uint32_t depth, bool inline_children);
  void add_heading(const pugi::xml_node& node);
  void add_table(const pugi::xml_node& node);
  void flush();

  document_builder& out_;
  std::string text_;  ///< Of the current block.
  std::uint8_t section_level_ = 0;
  std::uint8_t list_level_ = 0;
  bool item_open_ = false;
  bool inside_prose_ = false;  ///< Unknown elements are parts of a line, not blocks.
  bool has_title_ = false;
};

}  // namespace millrace::parsers
