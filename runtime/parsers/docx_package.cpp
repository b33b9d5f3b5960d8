#include "runtime/parsers/docx_package.hpp"

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr const char* default_document_part = "word/document.xml";

std::string folder_of(const std::string& part) {
  const auto slash = part.rfind('/');
  return slash == std::string::npos ? std::string{} : part.substr(0, slash + 1);
}

/// A relationship's target as a part name: relative to the part's folder, or from the root with a
/// leading slash.
std::string resolve(const std::string& part, std::string_view target) {
  const auto path = target.starts_with('/') ? std::string{target.substr(1)}
                                            : folder_of(part) + std::string{target};
  std::vector<std::string_view> segments;
  for (std::string_view rest = path; !rest.empty();) {
    const auto end = std::min(rest.find('/'), rest.size());
    const auto segment = rest.substr(0, end);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (segment != ".") {
      segments.push_back(segment);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::string out;
  for (const auto segment : segments) {
    if (!out.empty()) out.push_back('/');
    out.append(segment);
  }
  return out;
}

std::string_view last_segment(std::string_view url) {
  return url.substr(url.rfind('/') + 1);
}

}  // namespace

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

docx_package::docx_package(std::string_view bytes, const parse_limits& limits)
    : zip_{zip_container::open(bytes, limits.max_unpacked_bytes)} {
  package_relationships_ = read_relationships("");
  std::string part = default_document_part;
  for (const auto& [id, relation] : package_relationships_)
    if (relation.kind == "officeDocument" && zip_.contains(relation.target)) part = relation.target;
  document_relationships_ = read_relationships(part);
  if (!zip_.contains(part))
    throw parse_failure{
        ec::malformed_document,
        "the file looks like a Word document, but its text is missing; save it again with Word"};
  main_ = read_xml(part);
  if (!main_)
    throw parse_failure{
        ec::malformed_document,
        "the Word document's text is not well-formed XML; open it with Word and save it again"};
  document_ = main_->tree.document_element();
}

std::unique_ptr<xml_part> docx_package::read_xml(const std::string& name) {
  auto text = zip_.read_if_present(name);
  if (!text) return nullptr;
  auto part = std::make_unique<xml_part>();
  part->buffer = std::move(*text);
  // Text that is nothing but spaces counts; entities beyond XML's own five are not expanded.
  constexpr unsigned options = pugi::parse_default | pugi::parse_ws_pcdata_single;
  const auto outcome =
      part->tree.load_buffer_inplace(part->buffer.data(), part->buffer.size(), options);
  if (outcome.status == pugi::status_out_of_memory) throw std::bad_alloc{};
  return outcome ? std::move(part) : nullptr;
}

docx_package::relationships docx_package::read_relationships(const std::string& part) {
  relationships out;
  const auto name = part.substr(part.rfind('/') + 1);
  const auto xml = read_xml(folder_of(part) + "_rels/" + name + ".rels");
  if (!xml) return out;
  for (const auto node : xml->tree.document_element().children()) {
    const bool external = attribute_named(node, "TargetMode") == "External";
    out[std::string{attribute_named(node, "Id")}] = {
        std::string{last_segment(attribute_named(node, "Type"))},
        external ? std::string{} : resolve(part, attribute_named(node, "Target"))};
  }
  return out;
}

std::unique_ptr<xml_part> docx_package::related_part(std::string_view kind) {
  for (const auto& [id, relation] : document_relationships_)
    if (relation.kind == kind && !relation.target.empty()) return read_xml(relation.target);
  return nullptr;
}

std::optional<image_info> docx_package::image(const std::string& relationship_id) {
  const auto at = document_relationships_.find(relationship_id);
  if (at == document_relationships_.end() || at->second.target.empty()) return std::nullopt;
  const auto& part = at->second.target;
  if (const auto known = images_.find(part); known != images_.end()) return known->second;
  const auto bytes = zip_.read_if_present(part);
  if (!bytes || bytes->empty()) return std::nullopt;
  auto info = describe_image(*bytes);
  info.source = zip_part_source(part);
  return images_.emplace(part, std::move(info)).first->second;
}

std::string docx_package::title() {
  for (const auto& [id, relation] : package_relationships_) {
    if (relation.kind != "core-properties") continue;
    if (const auto properties = read_xml(relation.target))
      return child_named(properties->tree.document_element(), "title").text().get();
  }
  return {};
}

}  // namespace millrace::parsers
