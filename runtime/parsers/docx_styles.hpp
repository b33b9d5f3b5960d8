// What a paragraph of a Word document is, from its own properties and its style: heading, title,
// list item, code or plain. Built once for a document; read-only after that.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/core/document.hpp"
#include "runtime/parsers/docx_numbering.hpp"
#include "runtime/parsers/paragraph_output.hpp"

namespace millrace::parsers {

/// Styles build on each other; a chain that is longer is a circle.
constexpr int max_style_chain = 16;
/// The outline level of body text.
constexpr int body_text_level = 9;

class docx_styles {
 public:
  /// `styles` is the root of word/styles.xml, or a null node.
  explicit docx_styles(const pugi::xml_node& styles);

  /// `properties` is the paragraph's w:pPr, or a null node.
  paragraph_role role_of(const pugi::xml_node& properties) const;
  /// Its list and level there, from its own properties or its styles'; nothing where it has none.
  std::optional<list_place> list_of(const pugi::xml_node& properties) const;

 private:
  struct style {
    std::string name;  ///< Lower case.
    std::string based_on;
    std::optional<int> outline_level;  ///< 0 is the highest; 9 is body text.
    std::optional<int>
        list_level;    ///< 0 is the outermost; -1 where the style ends an inherited list.
    std::string list;  ///< w:numId; empty where the style names none.
  };

  const style* find(std::string_view id) const;

  std::map<std::string, style, std::less<>> styles_;
  std::string default_id_;
};

/// 1 to 9 where a style's lower-case name is that of a heading in one of the languages in which
/// programs name styles
/// ("heading 2", "überschrift 2", "titre 2"), else 0.
int heading_level_of_style_name(std::string_view name);

}  // namespace millrace::parsers
