#include "runtime/parsers/xml_part.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace millrace::parsers {

std::unique_ptr<xml_part> parse_xml_part(std::string text) {
  bool damaged = false;
  auto part = parse_damaged_xml_part(std::move(text), damaged);
  return damaged ? nullptr : std::move(part);
}

std::unique_ptr<xml_part> parse_damaged_xml_part(std::string text, bool& damaged) {
  auto part = std::make_unique<xml_part>();
  part->buffer = std::move(text);
  // Text that is nothing but spaces counts.
  constexpr unsigned options = pugi::parse_default | pugi::parse_ws_pcdata_single;
  const auto outcome =
      part->tree.load_buffer_inplace(part->buffer.data(), part->buffer.size(), options);
  if (outcome.status == pugi::status_out_of_memory) throw std::bad_alloc{};
  damaged = !outcome;
  return part;
}

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  return name.substr(name.find(':') + 1);
}

pugi::xml_node child_named(const pugi::xml_node& node, std::string_view name) {
  for (const auto child : node.children())
    if (local_name(child) == name) return child;
  return {};
}

std::string_view attribute_named(const pugi::xml_node& node, std::string_view name) {
  for (const auto attribute : node.attributes()) {
    const std::string_view full = attribute.name();
    if (full.substr(full.find(':') + 1) == name) return attribute.value();
  }
  return {};
}

pugi::xml_node descendant_at(pugi::xml_node node, std::initializer_list<std::string_view> path) {
  for (const auto name : path) node = child_named(node, name);
  return node;
}

pugi::xml_node chosen_alternative(const pugi::xml_node& content) {
  const auto choice = child_named(content, "Choice");
  return choice ? choice : child_named(content, "Fallback");
}

bool is_any_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace millrace::parsers
