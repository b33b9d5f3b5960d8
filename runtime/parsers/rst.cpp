// reStructuredText: what docutils and Sphinx make pages of. No library in C or C++ reads it, so
// this reads its blocks line by line: sections, paragraphs, lists, fields, literal blocks,
// directives, tables. Includes are never followed.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "runtime/parsers/csv_reader.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/rst_inline.hpp"
#include "runtime/parsers/rst_table.hpp"
#include "runtime/parsers/table_cutter.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view section_marks = "=-~^\"'`:.*+#<>_!$%&(),/;?@[\\]{|}";
constexpr std::size_t max_sections = 6;
/// Blocks in blocks; each level costs a copy of its lines.
constexpr std::uint32_t max_blocks_deep = 16;

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& names, std::string_view name) {
  for (const auto known : names)
    if (known == name) return true;
  return false;
}

bool is_blank(std::string_view line) {
  return trim(line).empty();
}

std::size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

/// A line of one punctuation character.
bool is_rule(std::string_view line) {
  line = trim(line);
  return line.size() >= 2 && section_marks.find(line[0]) != std::string_view::npos &&
         line.find_first_not_of(line[0]) == std::string_view::npos;
}

/// Length of "- ", "* ", "+ ", "1. ", "a) ", "(1) ", "#. " at a line's start; 0 where there is
/// none.
std::size_t marker_length(std::string_view line) {
  if (const auto bullet = line.starts_with("+ ") ? 2 : bullet_length(line); bullet > 0)
    return bullet;
  const std::size_t open = line.starts_with("(") ? 1 : 0;
  auto end = open;
  while (end < line.size() && end < open + 4 && (is_digit(line[end]) || is_alpha(line[end]))) ++end;
  if (end == open && line.substr(end).starts_with("#")) ++end;
  const bool is_word =
      end > open + 1 && !is_digit(line[open]) &&
      line.substr(open, end - open).find_first_not_of("ivxlcIVXLC") != std::string_view::npos;
  if (end == open || is_word || end + 1 >= line.size()) return 0;
  const bool closed = open == 1 ? line[end] == ')' : line[end] == '.' || line[end] == ')';
  return closed && line[end + 1] == ' ' ? end + 2 : 0;
}

/// Length of ":name:" at a line's start, 0 where there is none.
std::size_t field_length(std::string_view line) {
  if (line.size() < 3 || line[0] != ':' || is_space(line[1]) || line[1] == ':') return 0;
  const auto end = line.find(':', 1);
  if (end == std::string_view::npos) return 0;
  return end + 1 == line.size() || line[end + 1] == ' ' ? end + 1 : 0;
}

/// Lines from `start` on that are indented or blank, without the blank ones at both ends.
std::size_t indented_end(const text_lines& lines, std::size_t start) {
  auto end = start;
  for (auto at = start; at < lines.size() && (is_blank(lines[at]) || indent_of(lines[at]) > 0);
       ++at)
    if (!is_blank(lines[at])) end = at + 1;
  return end;
}

text_lines dedented(const text_lines& lines, std::size_t from, std::size_t to) {
  std::size_t margin = std::string_view::npos;
  for (auto i = from; i < to; ++i)
    if (!is_blank(lines[i])) margin = std::min(margin, indent_of(lines[i]));
  text_lines out;
  while (from < to && is_blank(lines[from])) ++from;
  for (auto i = from; i < to; ++i)
    out.push_back(is_blank(lines[i]) ? std::string_view{} : lines[i].substr(margin));
  return out;
}

std::string joined(const text_lines& lines, char separator) {
  std::string out;
  for (const auto line : lines) out.append(line).push_back(separator);
  return out;
}

/// The head of ".. name:: arguments".
struct directive {
  std::string name;
  std::string_view arguments;
  std::string substitution;  ///< Of ".. |this| name::".
};

bool read_directive(std::string_view line, directive& out) {
  auto rest = trim(line.substr(2));
  if (rest.starts_with("|")) {
    const auto end = rest.find('|', 1);
    if (end == std::string_view::npos) return false;
    out.substitution = rest.substr(1, end - 1);
    rest = trim(rest.substr(end + 1));
  }
  const auto colons = rest.find("::");
  if (colons == std::string_view::npos || colons == 0) return false;
  out.name = lower_case(trim(rest.substr(0, colons)));
  out.arguments = trim(rest.substr(colons + 2));
  return out.name.find_first_of(" \t`") == std::string::npos;
}

class rst_reader {
 public:
  explicit rst_reader(document_builder& out)
      : out_{out}, on_link_{[this](std::string_view target) { out_.add_link(target); }} {}

  void read(const text_lines& lines, std::uint32_t depth) {
    for (std::size_t at = 0; at < lines.size();) {
      if (is_blank(lines[at]))
        ++at;
      else
        at = read_block(lines, at, depth);
    }
  }

 private:
  /// Each reads the block at `at` and returns where the next one may start.
  std::size_t read_block(const text_lines& lines, std::size_t at, std::uint32_t depth);
  std::size_t read_section(const text_lines& lines, std::size_t at);
  std::size_t read_explicit(const text_lines& lines, std::size_t at, std::uint32_t depth);
  std::size_t read_item(const text_lines& lines, std::size_t at, std::uint32_t depth);
  std::size_t read_paragraph(const text_lines& lines, std::size_t at, std::uint32_t depth);
  std::size_t read_literal(const text_lines& lines, std::size_t at);
  void apply(const directive& d, text_lines body, std::uint32_t depth);
  void read_inner(const text_lines& lines, std::uint32_t depth) {
    if (depth < max_blocks_deep) return read(lines, depth + 1);
    add(element_kind::paragraph, joined(lines, ' '));
  }
  void add_heading(std::string_view title, std::string_view style);
  void add_table(std::vector<table_row> rows);
  void add_list_table(const text_lines& body);
  void add_csv_table(const text_lines& body, std::string_view header);

  std::string plain(std::string_view text) {
    return without_rst_markup(text, substitutions_, on_link_);
  }
  void add(element_kind kind, std::string_view text) {
    const bool is_first_of_item = item_open_ && kind == element_kind::paragraph;
    item_open_ = false;
    out_.add(is_first_of_item ? element_kind::list_item : kind, plain(trim(text)),
             is_first_of_item ? list_level_ : std::uint8_t{0});
  }

  document_builder& out_;
  link_callback on_link_;
  rst_substitutions substitutions_;
  std::vector<std::string> styles_;  ///< Of section titles, by level.
  std::uint8_t list_level_ = 0;
  bool item_open_ = false;
};

std::size_t rst_reader::read_block(const text_lines& lines, std::size_t at, std::uint32_t depth) {
  const auto line = lines[at];
  if (indent_of(line) > 0) {
    const auto end = indented_end(lines, at);
    read_inner(dedented(lines, at, end), depth);
    return end;
  }
  if (line.starts_with(".. ") || trim(line) == ".." || line.starts_with("__ "))
    return read_explicit(lines, at, depth);
  if (is_grid_border(line)) {
    const auto end = at + grid_table_length(lines, at);
    add_table(read_grid_table({lines.begin() + static_cast<std::ptrdiff_t>(at),
                               lines.begin() + static_cast<std::ptrdiff_t>(end)}));
    return end;
  }
  if (is_simple_border(line)) {
    const auto end = at + simple_table_length(lines, at);
    add_table(read_simple_table({lines.begin() + static_cast<std::ptrdiff_t>(at),
                                 lines.begin() + static_cast<std::ptrdiff_t>(end)}));
    return end;
  }
  if (const auto end = read_section(lines, at); end > at) return end;
  if (marker_length(line) > 0) return read_item(lines, at, depth);
  return read_paragraph(lines, at, depth);
}

/// `at` where no title starts there.
std::size_t rst_reader::read_section(const text_lines& lines, std::size_t at) {
  const auto line = trim(lines[at]);
  const auto next = at + 1 < lines.size() ? trim(lines[at + 1]) : std::string_view{};
  if (is_rule(line)) {
    const auto under = at + 2 < lines.size() ? trim(lines[at + 2]) : std::string_view{};
    if (!next.empty() && is_rule(under) && under[0] == line[0]) {
      add_heading(next, std::string{line[0]} + "over");
      return at + 3;
    }
    return line.size() >= 4 && next.empty() ? at + 1 : at;  // A transition says nothing.
  }
  const bool is_title = is_rule(next) && (next.size() >= 3 || next.size() >= line.size()) &&
                        2 * next.size() >= length_in_code_points(line);
  if (!is_title) return at;
  add_heading(line, next.substr(0, 1));
  return at + 2;
}

void rst_reader::add_heading(std::string_view title, std::string_view style) {
  const auto known = std::find(styles_.begin(), styles_.end(), style);
  const auto level = static_cast<std::size_t>(known - styles_.begin());
  if (known == styles_.end() && styles_.size() < max_sections) styles_.emplace_back(style);
  const auto text = plain(title);
  out_.set_title(text);
  out_.add(element_kind::heading, text,
           static_cast<std::uint8_t>(std::min(level + 1, max_sections)));
}

/// Comments, targets, footnotes and directives: ".. " and what is indented below.
std::size_t rst_reader::read_explicit(const text_lines& lines, std::size_t at,
                                      std::uint32_t depth) {
  const auto line = lines[at];
  // A comment without text ends at once where a blank line follows it.
  const bool is_alone = trim(line) == ".." && (at + 1 == lines.size() || is_blank(lines[at + 1]));
  const auto end = is_alone ? at + 1 : std::max(indented_end(lines, at + 1), at + 1);
  const auto head = trim(line.substr(2));
  auto body = dedented(lines, at + 1, end);
  directive d;
  if (head.starts_with("_") || line.starts_with("__ ")) {
    const auto colon = head.find(": ");
    if (colon != std::string_view::npos) out_.add_link(trim(head.substr(colon + 2)));
  } else if (head.starts_with("[") && head.find("] ") != std::string_view::npos) {
    add(element_kind::paragraph, std::string{head} + " " + joined(body, ' '));
  } else if (read_directive(line, d)) {
    apply(d, std::move(body), depth);
  }
  return end;
}

void rst_reader::apply(const directive& d, text_lines body, std::uint32_t depth) {
  static constexpr std::array code{
      "code"sv,    "code-block"sv, "sourcecode"sv, "parsed-literal"sv, "prompt"sv,  "math"sv,
      "doctest"sv, "ipython"sv,    "graphviz"sv,   "productionlist"sv, "testcode"sv};
  static constexpr std::array skipped{"toctree"sv,
                                      "include"sv,
                                      "contents"sv,
                                      "index"sv,
                                      "highlight"sv,
                                      "meta"sv,
                                      "raw"sv,
                                      "role"sv,
                                      "default-role"sv,
                                      "currentmodule"sv,
                                      "module"sv,
                                      "literalinclude"sv,
                                      "tabularcolumns"sv,
                                      "py:currentmodule"sv,
                                      "sectnum"sv,
                                      "target-notes"sv};
  if (!d.substitution.empty() && d.name == "replace") {
    substitutions_[d.substitution] = plain(std::string{d.arguments} + " " + joined(body, ' '));
    return;
  }
  std::string alternative;
  std::string_view header;
  std::size_t fields = 0;
  for (; fields < body.size() && field_length(body[fields]) > 0; ++fields) {
    const auto field = body[fields];
    const auto value = trim(field.substr(field_length(field)));
    if (field.starts_with(":alt:")) alternative = value;
    if (field.starts_with(":header:")) header = value;
  }
  body.erase(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(fields));
  if (is_one_of(skipped, d.name) || d.name.starts_with("auto")) return;
  if (d.name == "image" || d.name == "figure") {
    out_.add_link(d.arguments.starts_with("http") ? d.arguments : std::string_view{});
    out_.add_image(alternative, {});
    return d.name == "figure" ? read_inner(body, depth) : void();
  }
  if (is_one_of(code, d.name)) {
    item_open_ = false;
    return out_.add(element_kind::code, joined(body, '\n'));
  }
  add(element_kind::paragraph, d.arguments);
  if (d.name == "list-table") return add_list_table(body);
  if (d.name == "csv-table") return add_csv_table(body, header);
  read_inner(body, depth);
}

std::size_t rst_reader::read_item(const text_lines& lines, std::size_t at, std::uint32_t depth) {
  const auto marker = marker_length(lines[at]);
  auto end = std::max(indented_end(lines, at + 1), at + 1);
  auto rest = dedented(lines, at + 1, end);
  const bool has_gap = at + 1 < lines.size() && is_blank(lines[at + 1]);
  text_lines item{trim(lines[at].substr(marker))};
  if (has_gap) item.emplace_back();
  item.insert(item.end(), rest.begin(), rest.end());
  const auto was_open = std::exchange(item_open_, true);
  if (list_level_ < 255) ++list_level_;
  read_inner(item, depth);
  --list_level_;
  item_open_ = was_open && item_open_;
  return end;
}

std::size_t rst_reader::read_paragraph(const text_lines& lines, std::size_t at,
                                       std::uint32_t depth) {
  const auto start = at;
  const bool is_verse = lines[at].starts_with("| ");
  const bool is_session = lines[at].starts_with(">>> ");
  const bool is_field = field_length(lines[at]) > 0;
  std::string text;
  for (; at < lines.size() && !is_blank(lines[at]); ++at) {
    auto line = lines[at];
    if (is_session) {
      text.append(line).push_back('\n');
      continue;
    }
    if (at > start && is_field && indent_of(line) == 0) break;
    if (at > start && !is_field && !is_verse && indent_of(line) > 0) break;  // A definition.
    if (is_verse && line.starts_with("|")) {
      line.remove_prefix(1);
      if (!text.empty()) text.push_back('\n');
      text.append(trim(line));
    } else {
      append_line(text, trim(line));
    }
  }
  if (is_session) {
    item_open_ = false;
    out_.add(element_kind::code, text);
    return at;
  }
  if (is_field) {
    const auto name = field_length(text);
    text = text.substr(1, name - 2) + ": " + std::string{trim(text.substr(name))};
  }
  const bool literal_follows = text.ends_with("::");
  if (literal_follows) text.resize(text.size() - (text.ends_with(" ::") || text == "::" ? 2 : 1));
  add(element_kind::paragraph, text);
  if (literal_follows) return read_literal(lines, at);
  if (is_field) return at;
  if (at < lines.size() && indent_of(lines[at]) > 0 && !is_blank(lines[at])) {
    const auto end = indented_end(lines, at);
    read_inner(dedented(lines, at, end), depth);
    return end;
  }
  return at;
}

std::size_t rst_reader::read_literal(const text_lines& lines, std::size_t at) {
  const auto end = indented_end(lines, at);
  if (end <= at) return at;
  item_open_ = false;
  out_.add(element_kind::code, joined(dedented(lines, at, end), '\n'));
  return end;
}

void rst_reader::add_table(std::vector<table_row> rows) {
  item_open_ = false;
  table_cutter table{out_};
  for (auto& row : rows) {
    for (auto& cell : row) cell = plain(cell);
    table.add(row);
  }
  table.flush();
}

/// A list of rows, each a list of cells.
void rst_reader::add_list_table(const text_lines& body) {
  std::vector<table_row> rows;
  for (const auto line : body) {
    auto text = trim(line);
    if (line.starts_with("* ")) {
      rows.emplace_back();
      text = trim(line.substr(2));
    }
    if (rows.empty()) continue;
    if (text == "-" || text.starts_with("- "))
      rows.back().emplace_back(trim(text.substr(1)));
    else if (!rows.back().empty() && !text.empty())
      append_line(rows.back().back(), text);
  }
  add_table(std::move(rows));
}

void rst_reader::add_csv_table(const text_lines& body, std::string_view header) {
  std::vector<table_row> rows;
  const auto add_row = [&](table_row& row) {
    for (auto& cell : row) cell = trim(cell);
    rows.push_back(std::move(row));
  };
  read_csv(header, ',', add_row);
  read_csv(joined(body, '\n'), ',', add_row);
  add_table(std::move(rows));
}

}  // namespace

void parse_restructured_text(const parse_input& in, document_builder& out) {
  text_lines lines;
  for (auto rest = in.text; !rest.empty();) lines.push_back(take_line(rest));
  rst_reader{out}.read(lines, 0);
}

}  // namespace millrace::parsers
