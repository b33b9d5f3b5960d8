// Excel workbooks (Office Open XML, transitional and strict, with macros or without): sheets in the
// order of the workbook, hidden ones as well, each under a heading with its name. Cells are read as
// they are shown; comments, drawings (pictures, charts, text boxes) and links follow the cells.
#include <map>
#include <string>
#include <utility>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/ooxml_drawing.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"
#include "runtime/parsers/xlsx_sheet.hpp"
#include "runtime/parsers/xlsx_tables.hpp"
#include "runtime/parsers/xlsx_workbook.hpp"

namespace millrace::parsers {

namespace {

using name_map = std::map<std::string, std::string>;

/// Of comments and rich cells: runs are joined, phonetic ones left out.
std::string rich_text(const pugi::xml_node& node) {
  std::string out;
  for (const auto child : node.children()) {
    if (local_name(child) == "t") out += child.text().get();
    if (local_name(child) == "r") out += child_named(child, "t").text().get();
  }
  return out;
}

class workbook_reader {
 public:
  workbook_reader(const parse_input& in, document_builder& out)
      : in_{in}, out_{out}, package_{in.bytes, in.limits}, workbook_{package_, in.limits} {}

  void read() {
    package_.add_properties(out_);
    read_persons();
    sheet_budget budget{max_workbook_cells, in_.limits.max_text_bytes};
    std::uint32_t number = 0;
    std::size_t lost = 0;
    for (const auto& sheet : workbook_.sheets()) {
      lost += read_sheet_of(sheet, budget) ? 0 : 1;
      ++number;
      if (in_.progress) in_.progress(number);
    }
    if (lost > 0 && lost == workbook_.sheets().size())
      throw parse_failure{ec::malformed_document,
                          "no sheet of the Excel workbook can be read; get a complete copy of it, "
                          "or open it with Excel and save it again"};
    package_.warn_of_damage(out_);
  }

 private:
  /// False where nothing of it can be read.
  bool read_sheet_of(const xlsx_workbook::sheet& sheet, sheet_budget& budget) {
    sheet_content content;
    const auto end = read_sheet(package_, sheet.part, workbook_, budget, content);
    if (end != stream_end::complete)
      out_.warn(ec::partly_read, "the sheet \"" + sheet.name + "\" is damaged: only its first " +
                                     std::to_string(content.cells.size()) +
                                     " cells were read; open the workbook with Excel and save it "
                                     "again");
    const auto relationships = package_.relationships_of(sheet.part);
    const auto comments = relationships.part_of_kind("comments");
    // An empty sheet's name would be a hit for nothing.
    if (content.cells.empty() && content.drawing.empty() && comments.empty())
      return end == stream_end::complete;
    out_.add(element_kind::heading, sheet.name, 1);
    fill_merged_cells(content);
    add_sheet_tables(content, out_);
    add_comments(relationships);
    add_drawing(relationships.part(content.drawing));
    for (const auto& id : content.links)
      if (const auto* target = relationships.find(id); target != nullptr)
        out_.add_link(target->url);
    return true;
  }

  void read_persons() {
    const auto xml = package_.try_read_xml(workbook_.relationships().part_of_kind("person"));
    if (!xml) return;
    for (const auto node : xml->tree.document_element().children())
      persons_[std::string{attribute_named(node, "id")}] = attribute_named(node, "displayName");
  }

  void add_comments(const relationship_map& relationships) {
    for (const auto& [id, relation] : relationships) {
      if (relation.kind == "comments") add_notes(relation.part);
      if (relation.kind == "threadedComment") add_threads(relation.part);
    }
  }

  /// Notes, and what older versions of Excel show instead of threads, which is left out.
  void add_notes(const std::string& part) {
    const auto xml = package_.try_read_xml(part);
    if (!xml) return;
    const auto root = xml->tree.document_element();
    name_map authors;
    std::size_t number = 0;
    for (const auto node : child_named(root, "authors").children())
      if (local_name(node) == "author") authors[std::to_string(number++)] = node.text().get();
    for (const auto node : child_named(root, "commentList").children()) {
      const auto author = authors[std::string{attribute_named(node, "authorId")}];
      if (local_name(node) == "comment" && !author.starts_with("tc="))
        add_comment(attribute_named(node, "ref"), author, rich_text(child_named(node, "text")));
    }
  }

  void add_threads(const std::string& part) {
    const auto xml = package_.try_read_xml(part);
    if (!xml) return;
    for (const auto node : xml->tree.document_element().children())
      add_comment(attribute_named(node, "ref"),
                  persons_[std::string{attribute_named(node, "personId")}],
                  child_named(node, "text").text().get());
  }

  void add_comment(std::string_view cell, std::string_view author, std::string_view text) {
    if (trim(text).empty()) return;
    std::string out = "Comment";
    if (!cell.empty()) out.append(" on ").append(cell);
    if (!author.empty()) out.append(" by ").append(author);
    out_.add(element_kind::paragraph, out.append(": ").append(text));
  }

  void add_drawing(const std::string& part) {
    const auto xml = package_.try_read_xml(part);
    if (!xml) return;
    const auto relationships = package_.relationships_of(part);
    drawing_walker{package_, relationships, in_, out_}.walk(xml->tree.document_element());
  }

  const parse_input& in_;
  document_builder& out_;
  ooxml_package package_;
  xlsx_workbook workbook_;
  name_map persons_;
};

}  // namespace

void parse_xlsx(const parse_input& in, document_builder& out) {
  workbook_reader{in, out}.read();
}

}  // namespace millrace::parsers
