#include "runtime/parsers/docx_numbering.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "runtime/parsers/text_tools.hpp"
#include "runtime/parsers/xml_part.hpp"

namespace millrace::parsers {

namespace {

constexpr int max_number = 1'000'000;

int number_or(std::string_view text, int otherwise) {
  int value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::clamp(value, 0, max_number);
}

std::string_view value_of(const pugi::xml_node& node, std::string_view child) {
  return attribute_named(child_named(node, child), "val");
}

/// Numbers of other scripts are shown as decimal ones.
std::optional<number_style> style_of(std::string_view format) {
  if (format == "bullet" || format == "none") return std::nullopt;
  if (format == "decimalZero") return number_style::padded_decimal;
  if (format == "lowerLetter") return number_style::lower_letter;
  if (format == "upperLetter") return number_style::upper_letter;
  if (format == "lowerRoman") return number_style::lower_roman;
  if (format == "upperRoman") return number_style::upper_roman;
  return number_style::decimal;
}

}  // namespace

void docx_numbering::read_levels(const pugi::xml_node& parent, level_table& into) {
  for (const auto node : parent.children()) {
    const auto number = static_cast<std::size_t>(number_or(attribute_named(node, "ilvl"), 0));
    if (local_name(node) != "lvl" || number >= levels) continue;
    const auto format = value_of(node, "numFmt");
    into[number] = {.text = std::string{value_of(node, "lvlText")},
                    .style = format.empty() ? number_style::decimal : style_of(format),
                    .start = number_or(value_of(node, "start"), 0),
                    .is_legal = static_cast<bool>(child_named(node, "isLgl"))};
  }
}

docx_numbering::docx_numbering(const pugi::xml_node& numbering) {
  std::map<std::string, pugi::xml_node, std::less<>> abstract;
  std::map<std::string, pugi::xml_node, std::less<>> by_style;
  for (const auto node : numbering.children()) {
    if (local_name(node) != "abstractNum") continue;
    abstract.emplace(attribute_named(node, "abstractNumId"), node);
    if (const auto style = value_of(node, "styleLink"); !style.empty())
      by_style.emplace(style, node);
  }
  for (const auto node : numbering.children()) {
    if (local_name(node) != "num") continue;
    auto at = abstract.find(value_of(node, "abstractNumId"));
    if (at == abstract.end()) continue;
    list l{at->first, {}, {}};
    const auto style = by_style.find(value_of(at->second, "numStyleLink"));
    read_levels(style == by_style.end() ? at->second : style->second, l.shown);
    for (const auto change : node.children()) {
      const auto number = static_cast<std::size_t>(number_or(attribute_named(change, "ilvl"), 0));
      if (local_name(change) != "lvlOverride" || number >= levels) continue;
      read_levels(change, l.shown);
      if (const auto start = value_of(change, "startOverride"); !start.empty())
        l.restart_at[number] = number_or(start, 1);
    }
    lists_.emplace(attribute_named(node, "numId"), std::move(l));
  }
}

std::string docx_numbering::next(const list_place& place) {
  const auto found = lists_.find(place.list);
  if (found == lists_.end() || place.level >= levels) return {};
  auto& of = found->second;
  auto& at = counters_[of.abstract];
  auto& number = at[place.level];
  const auto restart = std::exchange(of.restart_at[place.level], std::nullopt);
  if (restart)
    number = *restart;
  else
    number = number ? std::min(*number + 1, max_number) : of.shown[place.level].start;
  std::fill(at.begin() + static_cast<std::ptrdiff_t>(place.level) + 1, at.end(), std::nullopt);
  return label(of, at, place.level);
}

std::string docx_numbering::label(const list& of, const counters& at, std::size_t level) {
  const auto& shown = of.shown[level];
  if (!shown.style) return {};
  std::string out;
  for (std::size_t i = 0; i < shown.text.size() && out.size() < max_label_bytes; ++i) {
    const char c = shown.text[i];
    const char digit = c == '%' && i + 1 < shown.text.size() ? shown.text[i + 1] : '0';
    if (digit < '1' || digit > '9') {
      out.push_back(c);
      continue;
    }
    const auto which = static_cast<std::size_t>(digit - '1');
    const auto style = shown.is_legal ? number_style::decimal
                                      : of.shown[which].style.value_or(number_style::decimal);
    out += show_ordinal(at[which].value_or(of.shown[which].start), style);
    ++i;
  }
  return std::string{utf8_prefix(out, max_label_bytes)};
}

}  // namespace millrace::parsers
