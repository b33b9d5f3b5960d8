#include "runtime/parsers/docx_walker.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "runtime/parsers/ooxml_chart.hpp"
#include "runtime/parsers/ooxml_drawing.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/spanning_cells.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Elements searched for page breaks before the walk; a break beyond them is still met while
/// walking.
constexpr std::size_t max_searched_nodes = 50'000'000;

/// Content that a reader of the document does not see: deleted, moved away, or instructions to
/// Word.
bool is_unseen(std::string_view name) {
  return is_any_of(name, {"del", "moveFrom", "instrText", "delText", "delInstrText", "rPr", "pPr",
                          "sectPr", "tblPr", "tblGrid", "trPr", "tcPr", "sdtPr", "sdtEndPr",
                          "ffData", "rt", "ruby-rt", "softHyphen"});
}

bool is_switched_on(const pugi::xml_node& property) {
  const auto value = attribute_named(property, "val");
  return property && value != "0" && value != "false" && value != "off";
}

std::size_t count_or(std::string_view text, std::size_t otherwise) {
  std::size_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Iterative search for the first node, in document order, of which `is_it` holds.
template <class Predicate>
bool contains(const pugi::xml_node& root, Predicate is_it) {
  auto node = root.first_child();
  for (std::size_t i = 0; node && i < max_searched_nodes; ++i) {
    if (is_it(node)) return true;
    if (node.first_child()) {
      node = node.first_child();
      continue;
    }
    while (node != root && !node.next_sibling()) node = node.parent();
    if (node == root) break;
    node = node.next_sibling();
  }
  return false;
}

bool is_page_break(const pugi::xml_node& node) {
  return local_name(node) == "br" && attribute_named(node, "type") == "page";
}

docx_numbering read_numbering(docx_package& package) {
  const auto part = package.related_part("numbering");
  return docx_numbering{part ? part->tree.document_element() : pugi::xml_node{}};
}

}  // namespace

class docx_walker::nesting {
 public:
  explicit nesting(docx_walker& walker) : walker_{walker} {
    if (++walker_.depth_ > walker_.in_.limits.max_depth)
      throw parse_failure{ec::limit_exceeded, "the Word document nests its contents deeper than " +
                                                  std::to_string(walker_.in_.limits.max_depth) +
                                                  " levels; save it again with Word"};
  }
  ~nesting() { --walker_.depth_; }
  nesting(const nesting&) = delete;
  nesting& operator=(const nesting&) = delete;

 private:
  docx_walker& walker_;
};

docx_walker::docx_walker(docx_package& package, const parse_input& in, document_builder& out)
    : package_{package},
      in_{in},
      out_{out},
      paragraphs_{out},
      styles_part_{package.related_part("styles")},
      styles_{styles_part_ ? styles_part_->tree.document_element() : pugi::xml_node{}},
      numbering_{read_numbering(package)},
      footnotes_{read_notes("footnotes")},
      endnotes_{read_notes("endnotes")} {}

docx_walker::notes docx_walker::read_notes(std::string_view kind) {
  notes out{package_.related_part(kind), {}};
  if (!out.part) return out;
  for (const auto note : out.part->tree.document_element().children())
    if (attribute_named(note, "type").empty())  // Separators have a type.
      out.by_id.emplace(attribute_named(note, "id"), note);
  return out;
}

void docx_walker::walk_document() {
  const auto body = child_named(package_.document(), "body");
  // Word notes where its pages began when it saved; only without these notes do explicit breaks
  // count, because each of them is followed by such a note.
  has_rendered_breaks_ = contains(
      body, [](const pugi::xml_node& node) { return local_name(node) == "lastRenderedPageBreak"; });
  const bool has_pages = has_rendered_breaks_ || contains(body, is_page_break);
  page_ = has_pages ? 1 : 0;
  walk_blocks(body);
  paragraphs_.flush_code();
  out_.set_page_count(page_);
}

void docx_walker::walk_blocks(const pugi::xml_node& parent) {
  const nesting guard{*this};
  for (const auto node : parent.children()) walk_block(node);
}

void docx_walker::walk_block(const pugi::xml_node& node) {
  const auto name = local_name(node);
  if (name == "p")
    walk_paragraph(node);
  else if (name == "tbl")
    walk_table(node);
  else if (name == "AlternateContent")
    walk_blocks(chosen_alternative(node));
  else if (is_any_of(name, {"sdt", "sdtContent", "customXml", "ins", "moveTo", "txbxContent",
                            "smartTag"}))
    walk_blocks(node);
}

void docx_walker::walk_paragraph(const pugi::xml_node& node) {
  const nesting guard{*this};
  const auto properties = child_named(node, "pPr");
  paragraph p;
  walk_inline(node, p);
  out_.set_page(p.text.empty() ? page_ : p.page);
  // Word numbers empty paragraphs too, and shows nothing of it here.
  if (const auto place = styles_.list_of(properties)) {
    const auto label = numbering_.next(*place);
    if (!label.empty() && !trim(p.text).empty()) p.text.insert(0, label + ' ');
  }
  paragraphs_.add(styles_.role_of(properties), p.text);
  flush_graphics();
  for (const auto& box : p.boxes) walk_blocks(box);
  for (const auto& note : p.notes) walk_blocks(note);
}

void docx_walker::walk_inline(const pugi::xml_node& parent, paragraph& p) {
  const nesting guard{*this};
  for (const auto node : parent.children()) walk_inline_node(node, p);
}

void docx_walker::walk_inline_node(const pugi::xml_node& node, paragraph& p) {
  const auto name = local_name(node);
  if (name.empty() || is_unseen(name)) return;
  if (name == "t")
    append(p, node.text().get());
  else if (name == "r")
    walk_run(node, p);
  else if (name == "tab" || name == "ptab")
    append(p, " ");
  else if (is_page_break(node))
    page_ += has_rendered_breaks_ ? 0 : 1;
  else if (name == "lastRenderedPageBreak")
    ++page_;
  else if (name == "br" || name == "cr")
    append(p, "\n");
  else if (name == "noBreakHyphen")
    append(p, "-");
  else if (name == "sym")
    add_symbol(node, p);
  else if (name == "drawing" || name == "pict" || name == "object")
    add_drawing(node, p);
  else if (name == "footnoteReference")
    add_note(footnotes_, node, p);
  else if (name == "endnoteReference")
    add_note(endnotes_, node, p);
  else if (name == "hyperlink")
    walk_link(node, p);
  else if (name == "AlternateContent")
    walk_inline(chosen_alternative(node), p);
  else if (!walk_math(node, p))
    walk_inline(node, p);
}

/// Office Math in a line of text: fractions as a/b, exponents as x^2, indices as x_1. False for
/// everything else.
bool docx_walker::walk_math(const pugi::xml_node& node, paragraph& p) {
  struct shape {
    std::string_view name;
    std::string_view first;
    std::string_view sign;
    std::string_view second;
  };
  static constexpr std::array shapes{shape{"f", "num", "/", "den"}, shape{"sSup", "e", "^", "sup"},
                                     shape{"sSub", "e", "_", "sub"}};
  for (const auto& s : shapes) {
    const auto second = child_named(node, s.second);
    if (local_name(node) != s.name || !second) continue;
    walk_inline(child_named(node, s.first), p);
    append(p, s.sign);
    walk_inline(second, p);
    return true;
  }
  return walk_math_operator(node, p);
}

/// Brackets, sums, roots and functions, whose signs are attributes or nowhere.
bool docx_walker::walk_math_operator(const pugi::xml_node& node, paragraph& p) {
  const auto name = local_name(node);
  const auto sign = [&](std::string_view properties, std::string_view which,
                        std::string_view usual) {
    const auto found = descendant_at(node, {properties, which});
    return found ? attribute_named(found, "val") : usual;
  };
  if (name == "oMath" && !p.text.empty() && local_name(node.previous_sibling()) == "oMath") {
    append(p, " ");
    walk_inline(node, p);
  } else if (name == "d") {
    append(p, sign("dPr", "begChr", "("));
    bool is_first = true;
    for (const auto part : node.children()) {
      if (local_name(part) != "e") continue;
      if (!std::exchange(is_first, false)) append(p, sign("dPr", "sepChr", "|"));
      walk_inline(part, p);
    }
    append(p, sign("dPr", "endChr", ")"));
  } else if (name == "nary") {
    append(p, sign("naryPr", "chr", "∫"));
    for (const auto* limit : {"sub", "sup"}) {
      if (!child_named(node, limit).first_child()) continue;
      append(p, limit == std::string_view{"sub"} ? "_" : "^");
      walk_inline(child_named(node, limit), p);
    }
    append(p, " ");
    walk_inline(child_named(node, "e"), p);
  } else if (name == "rad") {
    append(p, "√");
    walk_inline(child_named(node, "e"), p);
  } else if (name == "func") {
    walk_inline(child_named(node, "fName"), p);
    append(p, " ");
    walk_inline(child_named(node, "e"), p);
  } else {
    return false;
  }
  return true;
}

void docx_walker::walk_run(const pugi::xml_node& run, paragraph& p) {
  if (is_switched_on(child_named(child_named(run, "rPr"), "vanish"))) return;
  walk_inline(run, p);
}

void docx_walker::walk_link(const pugi::xml_node& link, paragraph& p) {
  out_.set_page(page_);
  const auto* target = package_.relationships().find(attribute_named(link, "id"));
  if (target != nullptr) out_.add_link(target->url);
  walk_inline(link, p);
}

void docx_walker::append(paragraph& p, std::string_view text) {
  if (p.text.empty()) p.page = page_;
  p.text += text;
}

void docx_walker::add_symbol(const pugi::xml_node& symbol, paragraph& p) {
  const auto hex = attribute_named(symbol, "char");
  std::uint32_t code = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
  // Symbol fonts use the private area, where a number says nothing without the font.
  const bool is_private = code >= 0xE000 && code <= 0xF8FF;
  const bool is_surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < 0x20 || code > 0x10FFFF || is_private || is_surrogate) return;
  std::string text;
  append_code_point(text, code);
  append(p, text);
}

void docx_walker::add_note(const notes& from, const pugi::xml_node& reference, paragraph& p) {
  const auto at = from.by_id.find(attribute_named(reference, "id"));
  // A reference inside a note would lead in circles.
  const auto inside_note = [&] {
    for (auto node = reference.parent(); node; node = node.parent())
      if (is_any_of(local_name(node), {"footnote", "endnote"})) return true;
    return false;
  };
  if (at != from.by_id.end() && !inside_note()) p.notes.push_back(at->second);
}

void docx_walker::add_drawing(const pugi::xml_node& drawing, paragraph& p) {
  const nesting guard{*this};
  std::string_view text;
  for (const auto node : drawing.children()) {
    const auto name = local_name(node);
    if (name == "docPr" || name == "cNvPr") {
      if (text.empty()) text = attribute_named(node, "descr");
    } else if (name == "blip") {
      add_image(std::string{attribute_named(node, "embed")}, {});
    } else if (name == "imagedata") {
      add_image(std::string{attribute_named(node, "id")}, attribute_named(node, "title"));
    } else if (name == "chart") {
      charts_.push_back(package_.relationships().part(attribute_named(node, "id")));
    } else if (name == "relIds") {
      diagrams_.push_back(package_.relationships().part(attribute_named(node, "dm")));
    } else if (name == "txbxContent") {
      p.boxes.push_back(node);
    } else if (name == "AlternateContent") {
      add_drawing(chosen_alternative(node), p);
    } else {
      add_drawing(node, p);
    }
  }
  if (!text.empty() && !images_.empty() && images_.back().text.empty()) images_.back().text = text;
}

void docx_walker::add_image(const std::string& relationship_id, std::string_view text) {
  if (!in_.limits.images) return;
  auto info = package_.image(relationship_id);
  images_.push_back({std::string{text}, info ? std::move(*info) : image_info{}});
}

void docx_walker::walk_table(const pugi::xml_node& table) {
  const nesting guard{*this};
  std::vector<table_row> rows;
  if (!paragraphs_.captures()) {
    out_.set_page(page_);
    std::vector<pugi::xml_node> cells;
    for (const auto row : table.children())
      if (local_name(row) == "tr") collect_cells(row, cells);
    // A box around text, not a table.
    if (cells.size() == 1) {
      walk_blocks(cells.front());
      return;
    }
  }
  collect_rows(table, rows);
  if (paragraphs_.captures()) {
    for (const auto& row : rows)
      for (const auto& cell : row) paragraphs_.add({}, cell);
    return;
  }
  paragraphs_.flush_code();
  out_.add(element_kind::table, markdown_table(rows));
  flush_graphics();
}

void docx_walker::collect_rows(const pugi::xml_node& parent, std::vector<table_row>& rows) {
  const nesting guard{*this};
  for (const auto node : parent.children()) {
    const auto name = local_name(node);
    if (name == "tr") {
      if (child_named(child_named(node, "trPr"), "del")) continue;
      rows.push_back(read_row(node, rows.empty() ? nullptr : &rows.back()));
    } else if (is_any_of(name, {"sdt", "sdtContent", "customXml", "ins"})) {
      collect_rows(node, rows);
    }
  }
}

table_row docx_walker::read_row(const pugi::xml_node& row, const table_row* above) {
  table_row out;
  const auto skipped = attribute_named(child_named(child_named(row, "trPr"), "gridBefore"), "val");
  out.resize(std::min<std::size_t>(count_or(skipped, 0), max_filled_columns));
  std::vector<pugi::xml_node> cells;
  collect_cells(row, cells);
  for (const auto& cell : cells) {
    const auto properties = child_named(cell, "tcPr");
    const auto merge = child_named(properties, "vMerge");
    const bool continues = merge && attribute_named(merge, "val") != "restart";
    if (continues && above != nullptr && out.size() < above->size())
      out.push_back((*above)[out.size()].size() <= max_repeated_bytes ? (*above)[out.size()]
                                                                      : std::string{});
    else
      out.push_back(cell_text(cell));
    // A cell over several columns heads each of them, but for one that is a row of its own.
    const auto span = count_or(attribute_named(child_named(properties, "gridSpan"), "val"), 1);
    const bool repeats = cells.size() > 1 && out.back().size() <= max_repeated_bytes;
    const auto text = repeats ? out.back() : std::string{};
    for (std::size_t i = 1; i < span && out.size() < max_filled_columns; ++i) out.push_back(text);
  }
  return out;
}

void docx_walker::collect_cells(const pugi::xml_node& parent, std::vector<pugi::xml_node>& cells) {
  const nesting guard{*this};
  for (const auto node : parent.children()) {
    const auto name = local_name(node);
    if (name == "tc")
      cells.push_back(node);
    else if (is_any_of(name, {"sdt", "sdtContent", "customXml"}))
      collect_cells(node, cells);
  }
}

std::string docx_walker::cell_text(const pugi::xml_node& cell) {
  return paragraphs_.captured([&] { walk_blocks(cell); });
}

void docx_walker::flush_graphics() {
  if (paragraphs_.captures()) return;  // They follow the table that they stand in.
  for (auto& image : std::exchange(images_, {}))
    out_.add_image(collapse(image.text), std::move(image.info));
  for (const auto& part : std::exchange(charts_, {})) add_chart(package_.package(), part, out_);
  for (const auto& part : std::exchange(diagrams_, {})) add_diagram(package_.package(), part, out_);
}

}  // namespace millrace::parsers
