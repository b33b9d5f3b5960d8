#include "runtime/parsers/odf_styles.hpp"

#include <algorithm>

#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/docx_styles.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// In a style's internal name a space is written _20_.
std::string shown_name(std::string_view name) {
  constexpr std::string_view space = "_20_";
  std::string out;
  while (!name.empty()) {
    const auto at = std::min(name.find(space), name.size());
    out.append(name.substr(0, at));
    name.remove_prefix(at);
    if (!name.starts_with(space)) continue;
    out.push_back(' ');
    name.remove_prefix(space.size());
  }
  return lower_case(out);
}

bool is_code_style(std::string_view name) {
  return name == "preformatted text" || name == "source code" || name == "source text";
}

}  // namespace

odf_styles::odf_styles(const pugi::xml_node& common, const pugi::xml_node& content) {
  read(child_named(common, "styles"));
  read(child_named(content, "styles"));  // Of a flat file.
  read(child_named(content, "automatic-styles"));
}

void odf_styles::read(const pugi::xml_node& styles) {
  for (const auto node : styles.children()) {
    if (local_name(node) != "style" || attribute_named(node, "family") != "paragraph") continue;
    const auto id = attribute_named(node, "name");
    const auto display = attribute_named(node, "display-name");
    const auto properties = child_named(node, "paragraph-properties");
    style s{.name = shown_name(display.empty() ? id : display),
            .parent = std::string{attribute_named(node, "parent-style-name")},
            .breaks_page = attribute_named(properties, "break-before") == "page"};
    has_page_breaks_ = has_page_breaks_ || s.breaks_page;
    styles_.insert_or_assign(std::string{id}, std::move(s));
  }
}

paragraph_role odf_styles::role_of(std::string_view id) const {
  for (int i = 0; i < max_style_chain && !id.empty(); ++i) {
    const auto at = styles_.find(id);
    const auto name = at == styles_.end() ? shown_name(id) : at->second.name;
    if (name == "title") return {element_kind::title, 1};
    if (const auto level = heading_level_of_style_name(name); level > 0)
      return {element_kind::heading, static_cast<std::uint8_t>(std::min(level, 6))};
    if (is_code_style(name)) return {element_kind::code, 0};
    if (at == styles_.end()) break;
    id = at->second.parent;
  }
  return {};
}

bool odf_styles::breaks_page_before(std::string_view id) const {
  const auto at = styles_.find(id);
  return at != styles_.end() && at->second.breaks_page;
}

}  // namespace millrace::parsers
