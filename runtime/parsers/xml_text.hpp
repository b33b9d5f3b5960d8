// Small helpers over pugixml's trees that all readers of XML here share. None of them recurses, so
// nesting cannot exhaust the stack.
#pragma once

#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

inline bool is_xml_text(const pugi::xml_node& node) {
  return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}

/// The node after `node` in document order inside of `root`; null at the end.
inline pugi::xml_node next_in(const pugi::xml_node& root, pugi::xml_node node) {
  if (node.first_child()) return node.first_child();
  while (node != root && !node.next_sibling()) node = node.parent();
  return node == root ? pugi::xml_node{} : node.next_sibling();
}

/// All text below `root` as it stands.
inline std::string raw_xml_text(const pugi::xml_node& root) {
  std::string out;
  for (auto node = root; node; node = next_in(root, node))
    if (is_xml_text(node)) out += node.value();
  return out;
}

/// The same in one line.
inline std::string xml_text(const pugi::xml_node& root) {
  return collapse(raw_xml_text(root));
}

inline bool has_child_elements(const pugi::xml_node& node) {
  for (const auto& child : node.children())
    if (child.type() == pugi::node_element) return true;
  return false;
}

/// True where words stand beside elements: prose, not data.
inline bool has_own_text(const pugi::xml_node& node) {
  for (const auto& child : node.children())
    if (is_xml_text(child) && !trim(child.value()).empty()) return true;
  return false;
}

}  // namespace millrace::parsers
