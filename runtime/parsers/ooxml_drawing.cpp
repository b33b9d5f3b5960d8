#include "runtime/parsers/ooxml_drawing.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "runtime/parsers/list_numbers.hpp"
#include "runtime/parsers/ooxml_chart.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/spanning_cells.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Nesting inside of a paragraph (formulas); what lies deeper is left out.
constexpr int max_text_depth = 64;

void append_text(std::string& out, const pugi::xml_node& node, int depth) {
  if (depth > max_text_depth) return;
  for (const auto child : node.children()) {
    const auto name = local_name(child);
    if (name == "t")
      out += child.text().get();
    else if (name == "br")
      out.push_back('\n');
    else if (name == "tab")
      out.push_back(' ');
    else if (name == "AlternateContent")
      append_text(out, chosen_alternative(child), depth + 1);
    else if (name == "fld" && attribute_named(child, "type") == "slidenum")
      continue;
    else if (!is_any_of(name, {"pPr", "rPr", "endParaRPr", "ctrlPr"}))
      append_text(out, child, depth + 1);
  }
}

std::string paragraph_text(const pugi::xml_node& paragraph) {
  std::string out;
  append_text(out, paragraph, 0);
  return out;
}

struct shown_paragraph {
  std::string text;
  unsigned level = 0;
  bool has_bullet = false;
  bool has_none = false;     ///< Says that it has no bullet.
  pugi::xml_node numbering;  ///< a:buAutoNum
};

/// "2." or "b)" for the paragraphs of a list that are numbered, by their level.
class paragraph_numbers {
 public:
  std::string next(const shown_paragraph& p) {
    if (!p.numbering) {
      // Deeper paragraphs leave the numbers of their parents alone.
      std::fill(numbers_.begin() + p.level, numbers_.end(), 0);
      return {};
    }
    std::fill(numbers_.begin() + p.level + 1, numbers_.end(), 0);
    auto& number = numbers_[p.level];
    const int start = number_or(attribute_named(p.numbering, "startAt"), 1);
    number = number == 0 ? start : std::min(number + 1, max_number);
    return show(number, attribute_named(p.numbering, "type")) + ' ';
  }

 private:
  static constexpr int max_number = 1'000'000;

  /// `type` is a name such as arabicPeriod or alphaLcParenBoth (ECMA-376 part 1, 20.1.10.61).
  static std::string show(int number, std::string_view type) {
    auto style = number_style::decimal;
    if (type.starts_with("alphaLc")) style = number_style::lower_letter;
    if (type.starts_with("alphaUc")) style = number_style::upper_letter;
    if (type.starts_with("romanLc")) style = number_style::lower_roman;
    if (type.starts_with("romanUc")) style = number_style::upper_roman;
    auto out = show_ordinal(number, style);
    if (type.ends_with("ParenBoth")) return '(' + out + ')';
    if (type.ends_with("ParenR")) return out + ')';
    return type.ends_with("Period") ? out + '.' : out;
  }

  static int number_or(std::string_view text, int otherwise) {
    int value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return std::clamp(value, 1, max_number);
  }

  std::array<int, 10> numbers_{};
};

shown_paragraph read_paragraph(const pugi::xml_node& node) {
  const auto properties = child_named(node, "pPr");
  shown_paragraph out{paragraph_text(node), 0, false, false, child_named(properties, "buAutoNum")};
  const auto level = attribute_named(properties, "lvl");
  std::from_chars(level.data(), level.data() + level.size(), out.level);
  out.level = std::min(out.level, 8U);
  out.has_bullet =
      child_named(properties, "buChar") || out.numbering || child_named(properties, "buBlip");
  out.has_none = static_cast<bool>(child_named(properties, "buNone"));
  return out;
}

bool is_true(std::string_view value) {
  return value == "1" || value == "true";
}

/// Properties of a shape, picture, frame or connector: p:nvSpPr/p:cNvPr and their like.
pugi::xml_node visible_properties(const pugi::xml_node& shape) {
  for (const auto child : shape.children())
    if (local_name(child).starts_with("nv")) return child_named(child, "cNvPr");
  return {};
}

std::string_view alternative_text(const pugi::xml_node& shape) {
  const auto properties = visible_properties(shape);
  const auto description = attribute_named(properties, "descr");
  return description.empty() ? attribute_named(properties, "title") : description;
}

}  // namespace

class drawing_walker::nesting {
 public:
  explicit nesting(drawing_walker& walker) : walker_{walker} {
    if (++walker_.depth_ > walker_.in_.limits.max_depth)
      throw parse_failure{ec::limit_exceeded, "the document nests its shapes deeper than " +
                                                  std::to_string(walker_.in_.limits.max_depth) +
                                                  " levels; save it again with its application"};
  }
  ~nesting() { --walker_.depth_; }
  nesting(const nesting&) = delete;
  nesting& operator=(const nesting&) = delete;

 private:
  drawing_walker& walker_;
};

std::string drawing_text(const pugi::xml_node& body) {
  std::string out;
  for (const auto node : body.children()) {
    if (local_name(node) != "p") continue;
    const auto text = paragraph_text(node);
    if (trim(text).empty()) continue;
    if (!out.empty()) out.push_back('\n');
    out += text;
  }
  return out;
}

void add_diagram(ooxml_package& package, const std::string& part, document_builder& out) {
  const auto xml = package.try_read_xml(part);
  if (!xml) return;
  for (const auto point : child_named(xml->tree.document_element(), "ptLst").children())
    if (!is_any_of(attribute_named(point, "type"), {"pres", "parTrans", "sibTrans"}))
      out.add(element_kind::list_item, drawing_text(child_named(point, "t")), 1);
}

std::string_view placeholder_of(const pugi::xml_node& shape) {
  for (const auto child : shape.children()) {
    if (!local_name(child).starts_with("nv")) continue;
    const auto placeholder = descendant_at(child, {"nvPr", "ph"});
    if (!placeholder) return {};
    const auto type = attribute_named(placeholder, "type");
    return type.empty() ? "obj" : type;
  }
  return {};
}

void drawing_walker::walk(const pugi::xml_node& parent) {
  const nesting guard{*this};
  for (const auto node : parent.children()) walk_node(node);
}

void drawing_walker::walk_node(const pugi::xml_node& node) {
  if (node == left_out_ || node.type() != pugi::node_element) return;
  const auto name = local_name(node);
  if (name == "sp" || name == "cxnSp")
    walk_shape(node);
  else if (name == "pic")
    add_picture(child_named(node, "blipFill"), alternative_text(node));
  else if (name == "graphicFrame")
    walk_frame(node);
  else if (name == "AlternateContent")
    walk(chosen_alternative(node));
  else if (!is_any_of(name, {"nvGrpSpPr", "grpSpPr", "extLst", "clientData", "from", "to"}))
    walk(node);  // Groups, anchors, and shapes of kinds that are not known.
  if (is_any_of(name, {"pic", "graphicFrame", "sp"})) add_links(visible_properties(node));
}

void drawing_walker::walk_shape(const pugi::xml_node& shape) {
  const auto placeholder = placeholder_of(shape);
  if (is_any_of(placeholder, {"sldNum", "dt", "hdr", "sldImg"})) return;
  if (const auto fill = descendant_at(shape, {"spPr", "blipFill"}))
    add_picture(fill, alternative_text(shape));
  const auto body = child_named(shape, "txBody");
  if (placeholder == "ftr" && footers_ != nullptr && !footers_->insert(drawing_text(body)).second)
    return;
  add_text(body, is_any_of(placeholder, {"body", "obj"}));
}

void drawing_walker::add_text(const pugi::xml_node& body, bool is_slide_body) {
  std::vector<shown_paragraph> all;
  for (const auto node : body.children())
    if (local_name(node) == "p") all.push_back(read_paragraph(node));
  std::erase_if(all, [](const shown_paragraph& p) { return trim(p.text).empty(); });
  // Bullets of a slide's body come from its layout; one paragraph alone is rarely a list.
  const bool is_list = is_slide_body && all.size() > 1;
  paragraph_numbers numbers;
  for (const auto& p : all) {
    const bool is_item = p.has_bullet || (!p.has_none && (is_list || p.level > 0));
    const auto level = static_cast<std::uint8_t>(is_item ? p.level + 1 : 0);
    out_.add(is_item ? element_kind::list_item : element_kind::paragraph, numbers.next(p) + p.text,
             level);
  }
  add_links(body);
}

void drawing_walker::add_links(const pugi::xml_node& node) {
  const nesting guard{*this};
  for (const auto child : node.children()) {
    if (is_any_of(local_name(child), {"hlinkClick", "hlinkHover"})) {
      const auto* target = relationships_.find(attribute_named(child, "id"));
      if (target != nullptr) out_.add_link(target->url);
    } else {
      add_links(child);
    }
  }
}

void drawing_walker::walk_frame(const pugi::xml_node& frame) {
  walk_graphic(descendant_at(frame, {"graphic", "graphicData"}));
}

void drawing_walker::walk_graphic(const pugi::xml_node& data) {
  const nesting guard{*this};
  for (const auto node : data.children()) {
    const auto name = local_name(node);
    if (name == "tbl") {
      add_table(node);
    } else if (name == "chart") {
      add_chart(package_, relationships_.part(attribute_named(node, "id")), out_);
    } else if (name == "relIds") {
      add_diagram(package_, relationships_.part(attribute_named(node, "dm")), out_);
    } else if (name == "AlternateContent") {
      // Of an embedded object the fallback has the picture.
      const auto fallback = child_named(node, "Fallback");
      walk_graphic(fallback ? fallback : chosen_alternative(node));
    } else if (name == "oleObj") {
      walk(node);
    }
  }
}

void drawing_walker::add_table(const pugi::xml_node& table) {
  std::vector<table_row> rows;
  for (const auto tr : table.children()) {
    if (local_name(tr) != "tr") continue;
    table_row row;
    for (const auto tc : tr.children()) {
      if (local_name(tc) != "tc" || row.size() >= max_filled_columns * 16) continue;
      const auto* above =
          is_true(attribute_named(tc, "vMerge")) && !rows.empty() && row.size() < rows.back().size()
              ? &rows.back()[row.size()]
              : nullptr;
      const auto* left =
          is_true(attribute_named(tc, "hMerge")) && !row.empty() ? &row.back() : nullptr;
      const auto* origin = above != nullptr ? above : left;
      if (origin == nullptr)
        row.push_back(drawing_text(child_named(tc, "txBody")));
      else
        row.push_back(origin->size() <= max_repeated_bytes ? std::string{*origin} : std::string{});
      add_links(tc);
    }
    rows.push_back(std::move(row));
  }
  // One cell is a box around text.
  if (rows.size() == 1 && rows.front().size() == 1)
    out_.add(element_kind::paragraph, rows.front().front());
  else
    out_.add(element_kind::table, markdown_table(rows));
}

void drawing_walker::add_picture(const pugi::xml_node& fill, std::string_view text) {
  if (!in_.limits.images) return;
  auto info =
      package_.image(relationships_.part(attribute_named(child_named(fill, "blip"), "embed")));
  out_.add_image(collapse(text), info ? std::move(*info) : image_info{});
}

}  // namespace millrace::parsers
