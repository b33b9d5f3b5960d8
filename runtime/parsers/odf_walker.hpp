// Turns the content of an OpenDocument file into elements. Tracked deletions are kept outside of
// the text by the format itself, and so are left out. One document, one thread.
//
// Bounds: parse_limits::max_depth for nesting, those of odf_table_reader for tables, those of
// odf_package for parts. Objects inside of objects are not read.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pugixml.hpp>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/odf_package.hpp"
#include "runtime/parsers/odf_styles.hpp"
#include "runtime/parsers/paragraph_output.hpp"

namespace millrace::parsers {

class odf_walker {
 public:
  odf_walker(odf_package& package, const parse_input& in, document_builder& out);

  /// Title, author and the like.
  void read_properties();
  /// A text; its pages count where the file says where they began.
  void walk_text(const pugi::xml_node& text);
  /// The pages of a presentation or a drawing; each with its notes.
  void walk_pages(const pugi::xml_node& presentation);
  /// The sheets of a spreadsheet, each a page: its name, its cells as they are shown, as tables
  /// that blank rows part.
  void walk_sheets(const pugi::xml_node& spreadsheet);

 private:
  class nesting;
  struct paragraph {
    std::string text;
    std::uint32_t page = 0;
    bool keeps_spaces = false;
    std::vector<pugi::xml_node> notes;
    std::vector<pugi::xml_node> drawings;
  };
  struct pending_image {
    std::string text;
    image_info info;
  };

  void walk_blocks(const pugi::xml_node& parent);
  void walk_block(const pugi::xml_node& node);
  void walk_paragraph(const pugi::xml_node& node);
  void walk_list(const pugi::xml_node& list);
  void walk_inline(const pugi::xml_node& parent, paragraph& p);
  void walk_inline_node(const pugi::xml_node& node, paragraph& p);
  void append_text(paragraph& p, std::string_view text);
  void walk_table(const pugi::xml_node& table);
  std::string cell_text(const pugi::xml_node& cell);
  /// What follows a paragraph: drawings that hang on it, then its notes.
  void walk_attached(const paragraph& p);
  void walk_drawing(const pugi::xml_node& shape);
  void walk_frame(const pugi::xml_node& frame);
  bool walk_object(const pugi::xml_node& object);
  void walk_chart(const pugi::xml_node& chart);
  /// The formula in this frame as the text that it was typed as; empty for any other frame.
  std::string formula_of(const pugi::xml_node& frame);
  void add_image(const pugi::xml_node& frame);
  void walk_page(const pugi::xml_node& page);
  std::string captured(const pugi::xml_node& parent);
  void add_link(const pugi::xml_node& anchor);
  paragraph_role role_of(const pugi::xml_node& node) const;
  void flush_pending();

  odf_package& package_;
  const parse_input& in_;
  document_builder& out_;
  paragraph_output paragraphs_;
  odf_styles styles_;
  std::vector<pending_image> images_;    ///< Of the current table, in order.
  std::vector<pugi::xml_node> remarks_;  ///< Annotations of its cells.
  std::uint32_t page_ = 0;
  std::uint32_t depth_ = 0;
  std::uint8_t list_level_ = 0;
  bool item_open_ = false;  ///< The next paragraph is the first of a list item.
  bool inside_object_ = false;
  bool inside_note_ = false;
  bool counts_pages_ = false;  ///< A text that says where its pages began.
};

}  // namespace millrace::parsers
