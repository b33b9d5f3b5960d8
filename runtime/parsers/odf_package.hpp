// The parts of an OpenDocument package (ISO/IEC 26300-2), or of a flat XML file that holds the same
// in one: content, styles, properties, embedded objects and images. One document, one thread.
//
// Bounds are those of zip_container, and max_tags: a tree takes many times the memory of the tags
// that it is made from.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/core/document.hpp"
#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/zip_container.hpp"

namespace millrace::parsers {

class odf_package {
 public:
  /// Of one part; a spreadsheet takes about four for each cell that is filled.
  static constexpr std::size_t max_tags = 30'000'000;

  /// Throws encrypted_document where a password is needed, malformed_document where the content is
  /// missing.
  explicit odf_package(const parse_input& in);

  /// The root of the content; its children are styles and the body.
  pugi::xml_node content() const { return content_->tree.document_element(); }
  /// The root of the common styles; a null node where there are none.
  pugi::xml_node styles() const;
  /// office:meta; a null node where there is none.
  pugi::xml_node meta() const;
  /// What stands in office:body: text, spreadsheet, presentation, drawing or chart.
  static pugi::xml_node body_of(const pugi::xml_node& content);
  /// The content ends in the middle, or is no well-formed XML from some place on.
  bool is_damaged() const { return damaged_; }

  /// The content of the embedded object at this xlink:href; null where there is none to be read.
  std::unique_ptr<xml_part> object(std::string_view href);
  /// What is known of the image at this xlink:href; nothing for links to other places.
  std::optional<image_info> image(std::string_view href);

 private:
  /// Null where the part is missing. A broken part is kept up to where it breaks.
  std::unique_ptr<xml_part> read_xml(const std::string& name, bool& damaged);
  void refuse_encrypted();

  std::optional<zip_container> zip_;  ///< Nothing for a flat file.
  std::unique_ptr<xml_part> content_;
  std::unique_ptr<xml_part> styles_;
  std::unique_ptr<xml_part> meta_;
  std::map<std::string, image_info> images_;  ///< By part name: an image may stand in many places.
  bool damaged_ = false;
};

}  // namespace millrace::parsers
