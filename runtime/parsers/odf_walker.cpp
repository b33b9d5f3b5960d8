#include "runtime/parsers/odf_walker.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

#include "runtime/parsers/markdown_table.hpp"
#include "runtime/parsers/odf_table.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Not content: deleted text, declarations, and lists of headings with page numbers, which lead to
/// content that is read anyway.
bool is_unseen(std::string_view name) {
  return is_any_of(name, {"tracked-changes",
                          "forms",
                          "sequence-decls",
                          "variable-decls",
                          "user-field-decls",
                          "table-of-content",
                          "alphabetical-index",
                          "illustration-index",
                          "table-index",
                          "object-index",
                          "user-index",
                          "note-citation",
                          "ruby-text",
                          "hidden-text",
                          "hidden-paragraph",
                          "script",
                          "event-listeners",
                          "annotation-end",
                          "creator",
                          "date",
                          "date-string",
                          "enhanced-geometry",
                          "glue-point"});
}

bool is_shape(std::string_view name) {
  return is_any_of(
      name, {"frame", "custom-shape", "rect", "ellipse", "circle", "line", "connector", "polyline",
             "polygon", "path", "regular-polygon", "caption", "measure", "g"});
}

std::size_t count_or(std::string_view text, std::size_t otherwise) {
  std::size_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Iterative.
bool has_soft_page_breaks(const pugi::xml_node& root) {
  auto node = root.first_child();
  while (node) {
    if (local_name(node) == "soft-page-break") return true;
    if (node.first_child()) {
      node = node.first_child();
      continue;
    }
    while (node != root && !node.next_sibling()) node = node.parent();
    if (node == root) return false;
    node = node.next_sibling();
  }
  return false;
}

}  // namespace

class odf_walker::nesting {
 public:
  explicit nesting(odf_walker& walker) : walker_{walker} {
    if (++walker_.depth_ > walker_.in_.limits.max_depth)
      throw parse_failure{ec::limit_exceeded,
                          "the document nests its contents deeper than " +
                              std::to_string(walker_.in_.limits.max_depth) +
                              " levels; save it again with its own application"};
  }
  ~nesting() { --walker_.depth_; }
  nesting(const nesting&) = delete;
  nesting& operator=(const nesting&) = delete;

 private:
  odf_walker& walker_;
};

odf_walker::odf_walker(odf_package& package, const parse_input& in, document_builder& out)
    : package_{package},
      in_{in},
      out_{out},
      paragraphs_{out},
      styles_{package.styles(), package.content()} {}

void odf_walker::read_properties() {
  std::string keywords;
  for (const auto node : package_.meta().children()) {
    const auto name = local_name(node);
    const std::string_view value = node.text().get();
    if (name == "title") out_.set_title(value);
    if (name == "initial-creator") out_.add_property("author", value);
    if (name == "subject" || name == "description" || name == "language")
      out_.add_property(name, value);
    if (name == "creation-date") out_.add_property("created", value);
    if (name == "date") out_.add_property("modified", value);
    if (name == "keyword") (keywords += keywords.empty() ? "" : ", ") += value;
  }
  if (!child_named(package_.meta(), "initial-creator"))
    out_.add_property("author", child_named(package_.meta(), "creator").text().get());
  out_.add_property("keywords", keywords);
}

void odf_walker::walk_text(const pugi::xml_node& text) {
  counts_pages_ = styles_.has_page_breaks() || has_soft_page_breaks(text);
  page_ = counts_pages_ ? 1 : 0;
  out_.set_page(page_);
  walk_blocks(text);
  paragraphs_.flush_code();
  out_.set_page_count(page_);
}

void odf_walker::walk_blocks(const pugi::xml_node& parent) {
  const nesting guard{*this};
  for (const auto node : parent.children()) walk_block(node);
}

void odf_walker::walk_block(const pugi::xml_node& node) {
  const auto name = local_name(node);
  if (name == "a") add_link(node);
  if (name == "p" || name == "h")
    walk_paragraph(node);
  else if (name == "list" || name == "numbered-paragraph")
    walk_list(node);
  else if (name == "table")
    walk_table(node);
  else if (is_shape(name))
    walk_drawing(node);
  else if (name == "soft-page-break")
    page_ += counts_pages_ ? 1 : 0;
  else if (name == "section" && attribute_named(node, "display") == "none")
    return;
  else if (name == "annotation" && paragraphs_.captures())
    remarks_.push_back(node);
  else if (is_any_of(name, {"section", "bibliography", "index-body", "index-title", "annotation",
                            "list-item", "list-header", "a"}))
    walk_blocks(node);
}

void odf_walker::walk_paragraph(const pugi::xml_node& node) {
  auto role = role_of(node);
  const auto style = attribute_named(node, "style-name");
  const bool starts_item = std::exchange(item_open_, false);
  if (counts_pages_ && !paragraphs_.captures() && styles_.breaks_page_before(style)) ++page_;
  paragraph p;
  p.page = page_;
  p.keeps_spaces = role.kind == element_kind::code;
  walk_inline(node, p);
  if (role.kind == element_kind::paragraph && starts_item && list_level_ > 0)
    role = {element_kind::list_item, list_level_};
  if (page_ > 0 && !paragraphs_.captures()) out_.set_page(p.page);
  paragraphs_.add(role, p.text);
  walk_attached(p);
}

paragraph_role odf_walker::role_of(const pugi::xml_node& node) const {
  const auto role = styles_.role_of(attribute_named(node, "style-name"));
  if (local_name(node) != "h") return role;
  // A title that is also in the outline stays a title.
  if (role.kind == element_kind::title) return role;
  const auto level =
      std::clamp<std::size_t>(count_or(attribute_named(node, "outline-level"), 1), 1, 6);
  return {element_kind::heading, static_cast<std::uint8_t>(level)};
}

void odf_walker::walk_list(const pugi::xml_node& list) {
  const nesting guard{*this};
  const auto outer = list_level_;
  const bool numbered = local_name(list) == "numbered-paragraph";
  const auto level = numbered ? count_or(attribute_named(list, "list-level"), 1)
                              : static_cast<std::size_t>(list_level_) + 1;
  list_level_ = static_cast<std::uint8_t>(std::min<std::size_t>(level, 255));
  const auto walk_item = [&](const pugi::xml_node& item) {
    item_open_ = true;
    walk_blocks(item);
    item_open_ = false;
  };
  if (numbered) walk_item(list);
  for (const auto item : list.children())
    if (!numbered && is_any_of(local_name(item), {"list-item", "list-header"})) walk_item(item);
  list_level_ = outer;
}

void odf_walker::walk_inline(const pugi::xml_node& parent, paragraph& p) {
  const nesting guard{*this};
  for (const auto node : parent.children()) walk_inline_node(node, p);
}

void odf_walker::walk_inline_node(const pugi::xml_node& node, paragraph& p) {
  if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
    append_text(p, node.value());
    return;
  }
  const auto name = local_name(node);
  if (name.empty() || is_unseen(name)) return;
  if (name == "s") {
    // Runs of spaces matter in code alone.
    const auto count = p.keeps_spaces ? count_or(attribute_named(node, "c"), 1) : 1;
    p.text.append(std::min<std::size_t>(count, 100), ' ');
  } else if (name == "tab") {
    p.text.push_back(p.keeps_spaces ? '\t' : ' ');
  } else if (name == "line-break") {
    p.text.push_back('\n');
  } else if (name == "soft-page-break") {
    page_ += counts_pages_ ? 1 : 0;
  } else if (name == "note") {
    if (const auto body = child_named(node, "note-body"); body && !inside_note_)
      p.notes.push_back(body);
  } else if (name == "annotation") {
    if (!inside_note_) p.notes.push_back(node);
  } else if (is_shape(name)) {
    const auto formula = name == "frame" ? formula_of(node) : std::string{};
    if (formula.empty())
      p.drawings.push_back(node);
    else
      append_text(p, formula);
  } else {
    if (name == "a") add_link(node);
    walk_inline(node, p);
  }
}

void odf_walker::append_text(paragraph& p, std::string_view text) {
  if (p.text.empty()) p.page = page_;
  append_collapsed(p.text, text);
}

void odf_walker::walk_attached(const paragraph& p) {
  for (const auto& shape : p.drawings) walk_drawing(shape);
  const bool outer = std::exchange(inside_note_, true);
  for (const auto& note : p.notes) walk_blocks(note);
  inside_note_ = outer;
}

void odf_walker::walk_table(const pugi::xml_node& table) {
  const nesting guard{*this};
  std::vector<table_row> rows;
  const auto outer_list = std::exchange(list_level_, std::uint8_t{0});
  odf_table_reader{in_.limits.max_depth,
                   [&](const pugi::xml_node& cell) { return cell_text(cell); },
                   [&](table_row& row) {
                     if (!row.empty()) rows.push_back(std::move(row));
                   }}
      .read(table);
  list_level_ = outer_list;
  const bool is_box = rows.size() == 1 && rows.front().size() == 1;
  if (paragraphs_.captures() || is_box) {
    for (const auto& row : rows)
      for (const auto& cell : row) paragraphs_.add({}, cell);
  } else {
    paragraphs_.flush_code();
    out_.set_page(page_);
    out_.add(element_kind::table, markdown_table(rows));
  }
  flush_pending();
}

std::string odf_walker::cell_text(const pugi::xml_node& cell) {
  auto text = captured(cell);
  if (!text.empty()) return text;
  // Some programs write a value and leave it to the reader to show it.
  for (const auto name : {"string-value", "date-value", "time-value", "boolean-value", "value"})
    if (const auto value = attribute_named(cell, name); !value.empty()) return std::string{value};
  return {};
}

std::string odf_walker::captured(const pugi::xml_node& parent) {
  return paragraphs_.captured([&] { walk_blocks(parent); });
}

void odf_walker::walk_drawing(const pugi::xml_node& shape) {
  const nesting guard{*this};
  const auto outer_list = std::exchange(list_level_, std::uint8_t{0});
  if (local_name(shape) == "frame")
    walk_frame(shape);
  else
    walk_blocks(shape);
  list_level_ = outer_list;
}

/// A frame holds the same content in one or more forms, the best of them first.
void odf_walker::walk_frame(const pugi::xml_node& frame) {
  const auto table = child_named(frame, "table");
  const auto box = child_named(frame, "text-box");
  if (table) return walk_table(table);
  if (box) return walk_blocks(box);
  const auto object = child_named(frame, "object");
  if (object && walk_object(object)) return;
  if (child_named(frame, "image")) add_image(frame);
}

bool odf_walker::walk_object(const pugi::xml_node& object) {
  if (inside_object_) return false;
  const auto part = package_.object(attribute_named(object, "href"));
  // Flat files hold the object itself.
  const auto root = part ? part->tree.document_element() : child_named(object, "document");
  const auto body = odf_package::body_of(root);
  if (!body) return false;
  inside_object_ = true;
  const auto kind = local_name(body);
  if (kind == "chart")
    walk_chart(child_named(body, "chart"));
  else
    walk_blocks(body);
  inside_object_ = false;
  return true;
}

void odf_walker::walk_chart(const pugi::xml_node& chart) {
  for (const auto node : chart.children()) {
    const auto name = local_name(node);
    if (is_any_of(name, {"title", "subtitle"}))
      walk_blocks(node);
    else if (name == "table")
      walk_table(node);
  }
}

std::string odf_walker::formula_of(const pugi::xml_node& frame) {
  const auto object = child_named(frame, "object");
  if (!object || inside_object_) return {};
  const auto part = package_.object(attribute_named(object, "href"));
  const auto root = part ? part->tree.document_element() : child_named(object, "math");
  if (local_name(root) != "math") return {};
  return child_named(child_named(root, "semantics"), "annotation").text().get();
}

void odf_walker::add_image(const pugi::xml_node& frame) {
  if (!in_.limits.images) return;
  pending_image image{};
  for (const auto name : {"desc", "title"})
    if (image.text.empty()) image.text = collapse(child_named(frame, name).text().get());
  for (const auto node : frame.children()) {
    if (local_name(node) != "image") continue;
    auto info = package_.image(attribute_named(node, "href"));
    // Of a drawing and its picture in pixels, the latter can be read.
    if (info && (image.info.sha256.empty() || image.info.width == 0)) image.info = std::move(*info);
  }
  images_.push_back(std::move(image));
  flush_pending();
}

void odf_walker::add_link(const pugi::xml_node& anchor) {
  const auto target = attribute_named(anchor, "href");
  if (!target.starts_with('#')) out_.add_link(target);
}

void odf_walker::flush_pending() {
  if (paragraphs_.captures()) return;  // They follow the table that they stand in.
  if (!images_.empty()) paragraphs_.flush_code();
  for (auto& image : std::exchange(images_, {})) out_.add_image(image.text, std::move(image.info));
  for (const auto& remark : std::exchange(remarks_, {})) walk_blocks(remark);
}

}  // namespace millrace::parsers
