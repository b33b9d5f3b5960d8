#include "runtime/parsers/ooxml_package.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/part_path.hpp"

namespace millrace::parsers {

namespace {

std::string folder_of(const std::string& part) {
  const auto slash = part.rfind('/');
  return slash == std::string::npos ? std::string{} : part.substr(0, slash + 1);
}

/// A relationship's target as a part name: relative to the part's folder, or from the root with a
/// leading slash.
std::string resolve(const std::string& part, std::string_view target) {
  return without_dots(target.starts_with('/') ? std::string{target}
                                              : folder_of(part) + std::string{target});
}

std::string_view last_segment(std::string_view url) {
  return url.substr(url.rfind('/') + 1);
}

struct core_property {
  std::string_view element;
  std::string_view name;
};
constexpr std::array core_properties{
    core_property{"creator", "author"},        core_property{"subject", "subject"},
    core_property{"keywords", "keywords"},     core_property{"description", "description"},
    core_property{"category", "category"},     core_property{"language", "language"},
    core_property{"created", "created"},       core_property{"modified", "modified"},
    core_property{"lastModifiedBy", "editor"},
};

}  // namespace

const relationship* relationship_map::find(std::string_view id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &at->second;
}

std::string relationship_map::part(std::string_view id) const {
  const auto* found = find(id);
  return found == nullptr ? std::string{} : found->part;
}

std::string relationship_map::part_of_kind(std::string_view kind) const {
  for (const auto& [id, relation] : by_id_)
    if (relation.kind == kind && !relation.part.empty()) return relation.part;
  return {};
}

ooxml_package::ooxml_package(std::string_view bytes, const parse_limits& limits)
    : zip_{zip_container::open(bytes, limits.max_unpacked_bytes, limits.work)},
      relationships_{relationships_of("")} {}

std::string ooxml_package::main_part(std::string_view usual) const {
  std::string part{usual};
  for (const auto& [id, relation] : relationships_)
    if (relation.kind == "officeDocument" && zip_.contains(relation.part)) part = relation.part;
  return part;
}

std::unique_ptr<xml_part> ooxml_package::read_xml(const std::string& part) {
  auto text = zip_.read_if_present(part);
  return text ? parse_xml_part(std::move(*text)) : nullptr;
}

std::optional<std::string> ooxml_package::try_read(const std::string& part) {
  try {
    if (!part.empty()) return zip_.read_if_present(part);
  } catch (const parse_failure& failure) {
    if (failure.reason().code != ec::malformed_document) throw;
    note_damage(part);
  }
  return std::nullopt;
}

std::unique_ptr<xml_part> ooxml_package::try_read_xml(const std::string& part) {
  auto text = try_read(part);
  if (!text) return nullptr;
  auto xml = parse_xml_part(std::move(*text));
  if (!xml) note_damage(part);
  return xml;
}

void ooxml_package::note_damage(const std::string& part) {
  if (damaged_part_.empty()) damaged_part_ = part;
}

void ooxml_package::warn_of_damage(document_builder& out) const {
  if (!damaged_part_.empty())
    out.warn(ec::partly_read, "a part of the document (" + damaged_part_ +
                                  ") is damaged and was left out; open it with its own "
                                  "application and save it again");
}

relationship_map ooxml_package::relationships_of(const std::string& part) {
  relationship_map out;
  const auto xml =
      try_read_xml(folder_of(part) + "_rels/" + std::string{last_segment(part)} + ".rels");
  if (!xml) return out;
  for (const auto node : xml->tree.document_element().children()) {
    const auto target = attribute_named(node, "Target");
    const bool external = attribute_named(node, "TargetMode") == "External";
    out.add(std::string{attribute_named(node, "Id")},
            {std::string{last_segment(attribute_named(node, "Type"))},
             external ? std::string{} : resolve(part, target),
             external ? std::string{target} : std::string{}});
  }
  return out;
}

std::optional<image_info> ooxml_package::image(const std::string& part) {
  if (const auto known = images_.find(part); known != images_.end()) return known->second;
  const auto bytes = try_read(part);
  if (!bytes || bytes->empty()) return std::nullopt;
  auto info = describe_image(*bytes);
  info.source = zip_part_source(part);
  return images_.emplace(part, std::move(info)).first->second;
}

void ooxml_package::add_properties(document_builder& out) {
  const auto part = try_read_xml(relationships_.part_of_kind("core-properties"));
  if (!part) return;
  const auto root = part->tree.document_element();
  out.set_title(child_named(root, "title").text().get());
  for (const auto& [element, name] : core_properties)
    out.add_property(name, child_named(root, element).text().get());
}

}  // namespace millrace::parsers
