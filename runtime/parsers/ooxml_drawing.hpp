// Turns drawings (DrawingML: shapes, groups, tables, pictures, charts, diagrams) into elements, for
// slides and for the drawings of sheets. One part, one thread.
//
// Shapes are read in the order of the file, which is from back to front and, in practice, the order
// of reading. Each text appears once: of alternative contents one is taken. Nesting over
// parse_limits::max_depth is limit_exceeded.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/markdown_table.hpp"
#include "runtime/parsers/ooxml_package.hpp"

namespace millrace::parsers {

/// The text of a:txBody, c:rich and their like, a line each paragraph.
std::string drawing_text(const pugi::xml_node& body);

/// Adds the texts of a diagram's (SmartArt's) nodes, in the order in which they were written;
/// nothing where its part of data is missing or broken.
void add_diagram(ooxml_package& package, const std::string& part, document_builder& out);

class drawing_walker {
 public:
  /// `relationships` are those of the part that holds the drawing; all must outlive the walker.
  drawing_walker(ooxml_package& package, const relationship_map& relationships,
                 const parse_input& in, document_builder& out)
      : package_{package}, relationships_{relationships}, in_{in}, out_{out} {}

  /// Leaves `node` out when it is met: it was read already, as a slide's title is.
  void leave_out(const pugi::xml_node& node) { left_out_ = node; }
  /// Footers of slides are added once each; `seen` lives as long as the presentation.
  void share_footers(std::set<std::string>& seen) { footers_ = &seen; }
  /// All shapes below `parent`, at any depth of groups and anchors.
  void walk(const pugi::xml_node& parent);
  /// Adds the paragraphs of a text body; list items where they have bullets, or stand beside others
  /// in the body of a slide.
  void add_text(const pugi::xml_node& body, bool is_slide_body);
  /// Adds the targets of links on or below `node`, that are not inside the package.
  void add_links(const pugi::xml_node& node);

 private:
  class nesting;

  void walk_node(const pugi::xml_node& node);
  void walk_shape(const pugi::xml_node& shape);
  void walk_frame(const pugi::xml_node& frame);
  void walk_graphic(const pugi::xml_node& data);
  void add_table(const pugi::xml_node& table);
  void add_picture(const pugi::xml_node& fill, std::string_view text);

  ooxml_package& package_;
  const relationship_map& relationships_;
  const parse_input& in_;
  document_builder& out_;
  std::set<std::string>* footers_ = nullptr;
  pugi::xml_node left_out_;
  std::uint32_t depth_ = 0;
};

/// The kind of a slide's placeholder ("title", "body", "sldNum", ...), "obj" where it names none;
/// empty for a shape that is none.
std::string_view placeholder_of(const pugi::xml_node& shape);

}  // namespace millrace::parsers
