// Turns the body of a Word document into elements, in reading order. One document, one thread.
//
// Each text appears once: of alternative contents the first is taken, deleted and moved-away text
// is left out, text boxes follow the paragraph that anchors them, and so do footnotes. Nesting over
// parse_limits::max_depth is limit_exceeded.
#pragma once

#include <string>
#include <vector>

#include <pugixml.hpp>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/docx_numbering.hpp"
#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/docx_styles.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/markdown_table.hpp"
#include "runtime/parsers/paragraph_output.hpp"

namespace millrace::parsers {

class docx_walker {
 public:
  docx_walker(docx_package& package, const parse_input& in, document_builder& out);

  void walk_document();

 private:
  /// Notes of one kind by their identifier.
  struct notes {
    std::unique_ptr<xml_part> part;
    std::map<std::string, pugi::xml_node, std::less<>> by_id;
  };
  struct pending_image {
    std::string text;
    image_info info;
  };
  /// A paragraph while it is read.
  struct paragraph {
    std::string text;
    std::vector<pugi::xml_node> boxes;  ///< Text boxes anchored in it.
    std::vector<pugi::xml_node> notes;
    std::uint32_t page = 0;  ///< Where its first character stands.
  };

  notes read_notes(std::string_view kind);
  void walk_blocks(const pugi::xml_node& parent);
  void walk_block(const pugi::xml_node& node);
  void walk_paragraph(const pugi::xml_node& node);
  void walk_inline(const pugi::xml_node& parent, paragraph& p);
  void walk_inline_node(const pugi::xml_node& node, paragraph& p);
  void walk_run(const pugi::xml_node& run, paragraph& p);
  void walk_table(const pugi::xml_node& table);
  void collect_rows(const pugi::xml_node& parent, std::vector<table_row>& rows);
  table_row read_row(const pugi::xml_node& row, const table_row* above);
  void collect_cells(const pugi::xml_node& parent, std::vector<pugi::xml_node>& cells);
  std::string cell_text(const pugi::xml_node& cell);
  bool walk_math(const pugi::xml_node& node, paragraph& p);
  bool walk_math_operator(const pugi::xml_node& node, paragraph& p);
  void walk_link(const pugi::xml_node& link, paragraph& p);
  void append(paragraph& p, std::string_view text);
  void add_symbol(const pugi::xml_node& symbol, paragraph& p);
  void add_image(const std::string& relationship_id, std::string_view text);
  void add_drawing(const pugi::xml_node& drawing, paragraph& p);
  void add_note(const notes& from, const pugi::xml_node& reference, paragraph& p);
  /// Adds images, charts and diagrams of what was read last.
  void flush_graphics();

  /// Counts nesting for the life of the object; throws limit_exceeded.
  class nesting;

  docx_package& package_;
  const parse_input& in_;
  document_builder& out_;
  paragraph_output paragraphs_;
  std::unique_ptr<xml_part> styles_part_;
  docx_styles styles_;
  docx_numbering numbering_;
  notes footnotes_;
  notes endnotes_;
  std::vector<pending_image> images_;
  std::vector<std::string> charts_;    ///< Parts of those that stand in the paragraph or table,
  std::vector<std::string> diagrams_;  ///< and of diagrams.
  bool has_rendered_breaks_ = false;
  std::uint32_t page_ = 0;  ///< 0 while no break has been seen in a document without any.
  std::uint32_t depth_ = 0;
};

}  // namespace millrace::parsers
