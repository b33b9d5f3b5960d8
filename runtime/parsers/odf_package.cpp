#include "runtime/parsers/odf_package.hpp"

#include <algorithm>
#include <utility>

#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

namespace {

/// Throws where the tree would be too big. Keeps what stands before the place where a text breaks.
std::unique_ptr<xml_part> parse_xml(std::string text, bool& damaged) {
  const auto tags = static_cast<std::size_t>(std::count(text.begin(), text.end(), '<'));
  if (tags > odf_package::max_tags)
    throw parse_failure{ec::limit_exceeded, "the document has more than " +
                                                std::to_string(odf_package::max_tags / 1'000'000) +
                                                " million XML tags; split it into smaller ones"};
  return parse_damaged_xml_part(std::move(text), damaged);
}

/// "./Object 1" and "Pictures/a.png" as part names; empty for what lies outside of the package.
std::string part_name(std::string_view href) {
  while (href.starts_with("./")) href.remove_prefix(2);
  if (href.starts_with('/') || href.starts_with("..") || href.starts_with('#') ||
      href.find("://") != std::string_view::npos)
    return {};
  while (href.ends_with('/')) href.remove_suffix(1);
  return std::string{href};
}

}  // namespace

odf_package::odf_package(const parse_input& in) {
  if (in.bytes.starts_with("PK")) {
    zip_ = zip_container::open(in.bytes, in.limits.max_unpacked_bytes, in.limits.work);
    refuse_encrypted();
    content_ = read_xml("content.xml", damaged_);
    bool ignored = false;  // A document without its styles or its title is better than none.
    styles_ = read_xml("styles.xml", ignored);
    meta_ = read_xml("meta.xml", ignored);
  } else {
    content_ = parse_xml(std::string{in.text}, damaged_);
  }
  if (!content_ || !body_of(content()))
    throw parse_failure{ec::malformed_document,
                        "the file is an OpenDocument file, but its content is missing or no "
                        "well-formed XML; open it with its own application and save it again"};
}

pugi::xml_node odf_package::styles() const {
  return styles_ ? styles_->tree.document_element() : pugi::xml_node{};
}

pugi::xml_node odf_package::meta() const {
  return child_named(meta_ ? meta_->tree.document_element() : content(), "meta");
}

pugi::xml_node odf_package::body_of(const pugi::xml_node& content) {
  for (const auto node : child_named(content, "body").children())
    if (node.type() == pugi::node_element) return node;
  return {};
}

std::unique_ptr<xml_part> odf_package::read_xml(const std::string& name, bool& damaged) {
  auto text = zip_->read_if_present(name);
  return text ? parse_xml(std::move(*text), damaged) : nullptr;
}

void odf_package::refuse_encrypted() {
  bool ignored = false;
  const auto manifest = read_xml("META-INF/manifest.xml", ignored);
  if (!manifest) return;
  for (const auto entry : manifest->tree.document_element().children()) {
    if (!child_named(entry, "encryption-data")) continue;
    // The second is how ODF 1.4 wraps a whole package.
    const auto name = attribute_named(entry, "full-path");
    if (name == "content.xml" || name == "encrypted-package")
      throw parse_failure{ec::encrypted_document,
                          "the document is encrypted; remove its password and submit it again"};
  }
}

std::unique_ptr<xml_part> odf_package::object(std::string_view href) {
  const auto name = part_name(href);
  bool damaged = false;
  if (name.empty() || !zip_) return nullptr;
  auto part = read_xml(name + "/content.xml", damaged);
  if (!part) part = read_xml(name, damaged);
  return damaged ? nullptr : std::move(part);
}

std::optional<image_info> odf_package::image(std::string_view href) {
  const auto name = part_name(href);
  if (name.empty() || !zip_) return std::nullopt;
  if (const auto known = images_.find(name); known != images_.end()) return known->second;
  const auto bytes = zip_->read_if_present(name);
  if (!bytes || bytes->empty()) return std::nullopt;
  auto info = describe_image(*bytes);
  info.source = zip_part_source(name);
  return images_.emplace(name, std::move(info)).first->second;
}

}  // namespace millrace::parsers
