#include "runtime/parsers/xml_document_walker.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/table_cutter.hpp"
#include "runtime/parsers/text_tools.hpp"
#include "runtime/parsers/xml_text.hpp"

namespace millrace::parsers {

namespace {

using namespace std::string_view_literals;

/// Elements looked at to tell prose from data.
constexpr std::size_t elements_looked_at = 20'000;
/// Of hundred elements, so many must be paragraphs or hold words beside elements.
constexpr std::size_t min_prose_percent = 5;

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_paragraph(std::string_view name) {
  static constexpr std::array names{"p"sv, "para"sv, "simpara"sv, "paragraph"sv, "ab"sv, "l"sv};
  return is_one_of(names, name);
}
bool is_title(std::string_view name) {
  static constexpr std::array names{"title"sv, "head"sv, "heading"sv, "article-title"sv,
                                    "titlePart"sv};
  return is_one_of(names, name);
}
bool is_section(std::string_view name) {
  static constexpr std::array names{
      "section"sv,    "sec"sv,      "sect1"sv,    "sect2"sv,    "sect3"sv,    "sect4"sv,
      "sect5"sv,      "chapter"sv,  "part"sv,     "appendix"sv, "div"sv,      "div1"sv,
      "div2"sv,       "div3"sv,     "preface"sv,  "topic"sv,    "refsect1"sv, "ack"sv,
      "boxed-text"sv, "abstract"sv, "ref-list"sv, "glossary"sv};
  return is_one_of(names, name);
}
bool is_list(std::string_view name) {
  static constexpr std::array names{"itemizedlist"sv, "orderedlist"sv, "list"sv,
                                    "ul"sv,           "ol"sv,          "listBibl"sv};
  return is_one_of(names, name);
}
bool is_item(std::string_view name) {
  static constexpr std::array names{"listitem"sv, "item"sv, "list-item"sv, "li"sv};
  return is_one_of(names, name);
}
bool is_code(std::string_view name) {
  static constexpr std::array names{"programlisting"sv, "screen"sv,    "literallayout"sv,
                                    "preformat"sv,      "codeblock"sv, "verbatim"sv};
  return is_one_of(names, name);
}
bool is_citation(std::string_view name) {
  static constexpr std::array names{"ref"sv,        "bibl"sv,    "biblioentry"sv,
                                    "biblStruct"sv, "contrib"sv, "aff"sv};
  return is_one_of(names, name);
}
bool is_cell(std::string_view name) {
  static constexpr std::array names{"entry"sv, "td"sv, "th"sv, "cell"sv};
  return is_one_of(names, name);
}

/// Words of elements that stand beside each other, with a space between.
std::string spaced_text(const pugi::xml_node& root) {
  std::string out;
  for (auto node = root; node; node = next_in(root, node)) {
    if (is_xml_text(node)) out += node.value();
    if (node.type() == pugi::node_element && !out.empty()) out.push_back(' ');
  }
  return collapse(out);
}

std::string_view link_target(const pugi::xml_node& node) {
  for (const auto name : {"href"sv, "url"sv, "target"sv})
    if (const auto value = attribute_named(node, name); value.starts_with("http")) return value;
  return {};
}

}  // namespace

bool is_xml_prose(const pugi::xml_node& root) {
  std::size_t elements = 0;
  std::size_t prose = 0;
  for (auto node = root; node && elements < elements_looked_at; node = next_in(root, node)) {
    if (node.type() != pugi::node_element) continue;
    ++elements;
    const bool is_mixed = has_own_text(node) && has_child_elements(node);
    if (is_mixed || is_paragraph(local_name(node))) ++prose;
  }
  return prose > 0 && prose * 100 >= elements * min_prose_percent;
}

void xml_document_walker::walk_document(const pugi::xml_node& root) {
  walk_children(root, 1);
  flush();
}

void xml_document_walker::walk_children(const pugi::xml_node& node, std::uint32_t depth) {
  for (const auto& child : node.children()) {
    if (is_xml_text(child)) {
      append_collapsed(text_, child.value());
    } else if (child.type() == pugi::node_element) {
      if (depth < out_.limits().max_depth)
        walk_element(child, depth + 1);
      else
        append_collapsed(text_, " " + xml_text(child) + " ");
    }
  }
}

void xml_document_walker::walk_element(const pugi::xml_node& node, std::uint32_t depth) {
  const auto name = local_name(node);
  if (const auto target = link_target(node); !target.empty()) out_.add_link(target);
  if (is_section(name)) return walk_section(node, depth);
  if (is_list(name)) return walk_list(node, depth);
  if (is_item(name)) {
    flush();
    item_open_ = true;
    walk_block(node, depth, false);
    item_open_ = false;
  } else if (is_paragraph(name)) {
    walk_block(node, depth, true);
  } else if (is_title(name) && !inside_prose_) {
    add_heading(node);
  } else if (is_code(name)) {
    flush();
    out_.add(element_kind::code, raw_xml_text(node));
  } else if (name == "table" || name == "informaltable") {
    add_table(node);
  } else if (is_citation(name) && !inside_prose_) {
    flush();
    out_.add(element_kind::paragraph, spaced_text(node));
  } else if (name == "lb" || name == "br") {
    text_.push_back(' ');
  } else if (name != "indexterm") {
    if (inside_prose_)
      walk_children(node, depth);
    else
      walk_block(node, depth, has_own_text(node));
  }
}

void xml_document_walker::walk_section(const pugi::xml_node& node, std::uint32_t depth) {
  flush();
  const auto was_inside = std::exchange(inside_prose_, false);
  const auto outer = section_level_;
  if (section_level_ < deepest_heading) ++section_level_;
  walk_children(node, depth);
  flush();
  section_level_ = outer;
  inside_prose_ = was_inside;
}

void xml_document_walker::walk_list(const pugi::xml_node& node, std::uint32_t depth) {
  flush();
  const auto was_inside = std::exchange(inside_prose_, false);
  const auto outer = list_level_;
  if (list_level_ < 255) ++list_level_;
  walk_children(node, depth);
  flush();
  list_level_ = outer;
  inside_prose_ = was_inside;
}

void xml_document_walker::walk_block(const pugi::xml_node& node, std::uint32_t depth,
                                     bool inline_children) {
  flush();
  const auto was_inside = std::exchange(inside_prose_, inline_children);
  walk_children(node, depth);
  inside_prose_ = was_inside;
  flush();
}

void xml_document_walker::add_heading(const pugi::xml_node& node) {
  flush();
  const auto text = xml_text(node);
  const bool is_first = section_level_ == 0 && !has_title_;
  has_title_ = has_title_ || is_first;
  if (is_first) out_.set_title(text);
  out_.add(is_first ? element_kind::title : element_kind::heading, text,
           std::max<std::uint8_t>(section_level_, 1));
}

void xml_document_walker::add_table(const pugi::xml_node& node) {
  flush();
  table_cutter table{out_};
  table_row row;
  const auto end_row = [&] {
    if (!row.empty()) table.add(row);
    row.clear();
  };
  for (auto at = next_in(node, node); at;) {
    const auto name = local_name(at);
    const bool is_text = is_cell(name) || is_title(name) || name == "caption";
    if (is_cell(name))
      row.push_back(xml_text(at));
    else if (is_text)
      out_.add(element_kind::paragraph, xml_text(at));
    else if (name == "row" || name == "tr")
      end_row();
    // What stands in a cell has been read with it.
    while (is_text && at != node && !at.next_sibling()) at = at.parent();
    at = is_text ? (at == node ? pugi::xml_node{} : at.next_sibling()) : next_in(node, at);
  }
  end_row();
  table.flush();
}

void xml_document_walker::flush() {
  const auto text = trim(text_);
  if (!text.empty()) {
    const bool is_item_text = list_level_ > 0 && item_open_;
    out_.add(is_item_text ? element_kind::list_item : element_kind::paragraph, text,
             is_item_text ? list_level_ : std::uint8_t{0});
    item_open_ = false;
  }
  text_.clear();
}

}  // namespace millrace::parsers
