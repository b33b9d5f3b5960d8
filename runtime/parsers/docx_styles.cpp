#include "runtime/parsers/docx_styles.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;
  return value;
}

std::optional<int> outline_level_of(const pugi::xml_node& properties) {
  const auto level = number(attribute_named(child_named(properties, "outlineLvl"), "val"));
  return level && *level >= 0 && *level <= body_text_level ? level : std::nullopt;
}

/// The level in w:numPr; -1 where numbering is switched off by the number 0. A style may leave out
/// the level.
std::optional<int> list_level_of(const pugi::xml_node& properties) {
  const auto numbering = child_named(properties, "numPr");
  if (!numbering) return std::nullopt;
  if (number(attribute_named(child_named(numbering, "numId"), "val")).value_or(1) == 0) return -1;
  return std::clamp(number(attribute_named(child_named(numbering, "ilvl"), "val")).value_or(0), 0,
                    8);
}

std::string_view list_id_of(const pugi::xml_node& properties) {
  return attribute_named(child_named(child_named(properties, "numPr"), "numId"), "val");
}

bool is_code_style(std::string_view name) {
  return name == "html preformatted" || name == "preformatted text" || name == "plain text" ||
         name == "code" || name == "source code" || name == "code block" || name == "macro";
}

std::uint8_t to_heading_level(int level) {
  return static_cast<std::uint8_t>(std::clamp(level, 1, 6));
}

}  // namespace

int heading_level_of_style_name(std::string_view name) {
  // Word itself stores English names whatever its language; other programs write what they show.
  // Letters outside ASCII keep their case, so names that start with one stand here twice.
  static constexpr std::array<std::string_view, 22> words{
      "heading", "überschrift", "Überschrift", "Заголовок",  "titre",   "título",
      "titolo",  "kop",         "rubrik",      "overskrift", "otsikko", "nagłówek",
      "nadpis",  "címsor",      "başlık",      "заголовок",  "标题",    "標題",
      "見出し",  "제목",        "titlu",       "encabezado"};
  for (const auto word : words) {
    if (!name.starts_with(word)) continue;
    const auto level = number(trim(name.substr(word.size())));
    return level && *level >= 1 && *level <= 9 ? *level : 0;
  }
  return 0;
}

docx_styles::docx_styles(const pugi::xml_node& styles) {
  for (const auto node : styles.children()) {
    if (local_name(node) != "style" || attribute_named(node, "type") != "paragraph") continue;
    const std::string id{attribute_named(node, "styleId")};
    const auto properties = child_named(node, "pPr");
    styles_[id] = {.name = lower_case(attribute_named(child_named(node, "name"), "val")),
                   .based_on = std::string{attribute_named(child_named(node, "basedOn"), "val")},
                   .outline_level = outline_level_of(properties),
                   .list_level = list_level_of(properties),
                   .list = std::string{list_id_of(properties)}};
    const auto is_default = attribute_named(node, "default");
    if (is_default == "1" || is_default == "true") default_id_ = id;
  }
}

const docx_styles::style* docx_styles::find(std::string_view id) const {
  const auto at = styles_.find(id);
  return at == styles_.end() ? nullptr : &at->second;
}

paragraph_role docx_styles::role_of(const pugi::xml_node& properties) const {
  auto outline = outline_level_of(properties);
  auto list = list_level_of(properties);
  std::string_view id = attribute_named(child_named(properties, "pStyle"), "val");
  if (id.empty()) id = default_id_;
  bool is_title = false;
  bool is_code = false;
  int named_level = find(id) == nullptr ? heading_level_of_style_name(lower_case(id)) : 0;
  for (int i = 0; i < max_style_chain; ++i) {
    const auto* at = find(id);
    if (at == nullptr) break;
    if (!outline) outline = at->outline_level;
    if (!list) list = at->list_level;
    if (named_level == 0) named_level = heading_level_of_style_name(at->name);
    is_title = is_title || at->name == "title";
    is_code = is_code || is_code_style(at->name);
    id = at->based_on;
  }
  if (is_title) return {element_kind::title, 1};
  if (outline && *outline < body_text_level)
    return {element_kind::heading, to_heading_level(*outline + 1)};
  if (named_level > 0 && !outline) return {element_kind::heading, to_heading_level(named_level)};
  if (list && *list >= 0) return {element_kind::list_item, static_cast<std::uint8_t>(*list + 1)};
  return {is_code ? element_kind::code : element_kind::paragraph, 0};
}

std::optional<list_place> docx_styles::list_of(const pugi::xml_node& properties) const {
  auto level = list_level_of(properties);
  std::string_view list = list_id_of(properties);
  std::string_view id = attribute_named(child_named(properties, "pStyle"), "val");
  if (id.empty()) id = default_id_;
  for (int i = 0; i < max_style_chain && (!level || list.empty()); ++i) {
    const auto* at = find(id);
    if (at == nullptr) break;
    if (!level) level = at->list_level;
    if (list.empty()) list = at->list;
    id = at->based_on;
  }
  if (!level || *level < 0 || list.empty()) return std::nullopt;
  return list_place{std::string{list}, static_cast<std::size_t>(*level)};
}

}  // namespace millrace::parsers
