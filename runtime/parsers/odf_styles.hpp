// What the paragraph styles of an OpenDocument file mean: headings, titles, code, page breaks.
// Built once for a document; read-only after that.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/parsers/paragraph_output.hpp"

namespace millrace::parsers {

class odf_styles {
 public:
  /// Reads the styles below `common` (styles.xml) and `content`; either may be a null node.
  odf_styles(const pugi::xml_node& common, const pugi::xml_node& content);

  /// Of a text:p with this style name; a text:h says itself what it is.
  paragraph_role role_of(std::string_view style) const;
  bool breaks_page_before(std::string_view style) const;
  /// Some paragraph style begins a page.
  bool has_page_breaks() const { return has_page_breaks_; }

 private:
  struct style {
    std::string name;  ///< As users see it, lower case.
    std::string parent;
    bool breaks_page = false;
  };
  void read(const pugi::xml_node& styles);

  std::map<std::string, style, std::less<>> styles_;  ///< Of the family "paragraph".
  bool has_page_breaks_ = false;
};

}  // namespace millrace::parsers
