// One XML part of a container as a tree (pugixml), and the look-ups that formats made of XML share.
// Names are compared without their prefix, which each producer chooses as it likes; so the strict
// and the transitional namespaces of Office Open XML read the same. One document, one thread;
// bounded by what zip_container lets through.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include <pugixml.hpp>

namespace millrace::parsers {

/// A part as a tree; the text that the tree points into lives here too.
struct xml_part {
  std::string buffer;
  pugi::xml_document tree;
};

/// Null where the text is not well-formed. Entities beyond XML's own five are not expanded.
std::unique_ptr<xml_part> parse_xml_part(std::string text);
/// Where the text is not well-formed: `damaged`, and what stands before that place.
std::unique_ptr<xml_part> parse_damaged_xml_part(std::string text, bool& damaged);

/// The name without its namespace prefix.
std::string_view local_name(const pugi::xml_node& node);
/// The first child or attribute of this local name; a null node where there is none.
pugi::xml_node child_named(const pugi::xml_node& node, std::string_view name);
std::string_view attribute_named(const pugi::xml_node& node, std::string_view name);
/// child_named() of child_named() and so on; a null node where one is missing.
pugi::xml_node descendant_at(pugi::xml_node node, std::initializer_list<std::string_view> path);

/// Of mc:AlternateContent only one alternative may be read: the first choice, else the fallback.
pugi::xml_node chosen_alternative(const pugi::xml_node& content);

bool is_any_of(std::string_view name, std::initializer_list<std::string_view> names);

}  // namespace millrace::parsers
