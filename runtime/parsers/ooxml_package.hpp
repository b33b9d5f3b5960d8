// The parts of an Office Open XML package (ECMA-376 part 2), as Word, PowerPoint and Excel use it:
// which part is the document, and where relationships lead. One document, one thread; bounds are
// those of zip_container.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/core/document.hpp"
#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/parse.hpp"
#include "runtime/parsers/xml_part.hpp"
#include "runtime/parsers/zip_container.hpp"

namespace millrace::parsers {

struct relationship {
  std::string kind;  ///< Last segment of its type: "styles", "image", ...
  std::string part;  ///< Name of the part without a leading slash; empty where external.
  std::string url;   ///< The target as it stands; empty where it is a part.
};

/// The relationships of one part, by their identifier.
class relationship_map {
 public:
  /// Null where there is none.
  const relationship* find(std::string_view id) const;
  /// The part that `id` leads to, empty where it leads nowhere or out of the package.
  std::string part(std::string_view id) const;
  /// The first part of this kind, empty where there is none.
  std::string part_of_kind(std::string_view kind) const;

  void add(std::string id, relationship r) { by_id_.try_emplace(std::move(id), std::move(r)); }
  auto begin() const { return by_id_.begin(); }
  auto end() const { return by_id_.end(); }

 private:
  std::map<std::string, relationship, std::less<>> by_id_;
};

class ooxml_package {
 public:
  ooxml_package(std::string_view bytes, const parse_limits& limits);

  /// The part that is the document, and `usual` where the package does not say. It may be missing.
  std::string main_part(std::string_view usual) const;
  bool contains(const std::string& part) const { return zip_.contains(part); }
  /// Null where the part is missing or no XML: a document without its styles is better than none.
  std::unique_ptr<xml_part> read_xml(const std::string& part);
  /// The same, and null also for a part that cannot be unpacked, so that one broken part does not
  /// cost the document. Limits are thrown on.
  std::unique_ptr<xml_part> try_read_xml(const std::string& part);
  /// Empty where the part has none.
  relationship_map relationships_of(const std::string& part);
  /// What is known of the image in this part; nothing where it is missing or cannot be unpacked.
  std::optional<image_info> image(const std::string& part);
  /// Warns (partly_read) where a part that was asked for is there, but damaged.
  void warn_of_damage(document_builder& out) const;
  /// Title, author and the like from the core properties (ECMA-376 part 2, 11).
  void add_properties(document_builder& out);
  zip_container& zip() { return zip_; }
  /// For parts that are read in other ways.
  void note_damage(const std::string& part);

 private:
  std::optional<std::string> try_read(const std::string& part);

  zip_container zip_;
  std::string damaged_part_;                  ///< The first; empty while there is none.
  std::map<std::string, image_info> images_;  ///< By part name: an image may stand in many places.
  relationship_map relationships_;            ///< Last: reading them may note damage.
};

}  // namespace millrace::parsers
