// What an RTF document's groups, paragraphs and tables become once they have been read whole.
#include <algorithm>
#include <iterator>
#include <utility>

#include "runtime/parsers/docx_styles.hpp"
#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/rtf_walker.hpp"
#include "runtime/parsers/spanning_cells.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Those beyond are not known; a document has hundreds.
constexpr std::size_t max_styles = 65'536;

}  // namespace

void rtf_walker::finish_style() {
  style_.name = lower_case(trim(std::string_view{value_}.substr(0, value_.find(';'))));
  if (styles_.size() < max_styles) styles_[style_number_] = std::exchange(style_, {});
  value_.clear();
}

void rtf_walker::finish_property(std::string_view name) {
  if (name == "title") {
    out_.set_title(value_);
  } else if (name == "sn") {
    shape_property_ = value_;
  } else if (name == "sv") {
    if (shape_property_ == "wzDescription") description_ = value_;
  } else {
    out_.add_property(name == "doccomm" ? "description" : name, value_);
  }
  value_.clear();
}

/// HYPERLINK "target" \o "tip": a field of another kind, or one that leads to a bookmark, is none.
void rtf_walker::finish_link() {
  const auto text = trim(instruction_);
  if (!starts_with_ignoring_case(text, "HYPERLINK")) return;
  auto rest = trim(text.substr(9));
  if (rest.starts_with('\\')) return;
  const bool quoted = rest.starts_with('"');
  if (quoted) rest.remove_prefix(1);
  out_.add_link(rest.substr(0, rest.find_first_of(quoted ? "\"" : " \\")));
}

void rtf_walker::finish_picture() {
  const auto bytes = std::exchange(picture_, {});
  auto alternative = std::exchange(description_, {});
  if (bytes.empty()) return;
  auto info = describe_image(bytes);
  if (image_mime(bytes).empty() && !picture_mime_.empty()) info.mime = picture_mime_;
  info.source = "picture:" + info.sha256;
  if (picture_sink_) picture_sink_(bytes, info);
  following_.push_back({{element_kind::image, 0}, std::move(alternative), std::move(info)});
}

paragraph_role rtf_walker::role_of_paragraph() const {
  const auto& g = top();
  const auto heading = [](int level) {
    return paragraph_role{element_kind::heading,
                          static_cast<std::uint8_t>(std::clamp(level, 1, 6))};
  };
  if (g.outline_level >= 0 && g.outline_level < body_text_level)
    return heading(g.outline_level + 1);
  int number = g.style;
  for (int i = 0; i < max_style_chain && g.outline_level < 0; ++i) {
    const auto at = styles_.find(number);
    if (at == styles_.end()) break;
    const auto& s = at->second;
    if (s.name == "title") return {element_kind::title, 1};
    if (s.outline_level >= 0 && s.outline_level < body_text_level)
      return heading(s.outline_level + 1);
    if (const auto level = heading_level_of_style_name(s.name); level > 0) return heading(level);
    number = s.based_on;
  }
  if (has_list_text_ || g.list > 0)
    return {element_kind::list_item, static_cast<std::uint8_t>(g.list_level + 1)};
  return {};
}

void rtf_walker::end_paragraph() {
  flush_bytes();
  auto text = std::exchange(texts_.back(), {});
  const auto role = role_of_paragraph();
  if (texts_.size() > 1) {
    if (!trim(text).empty()) following_.push_back({role, std::move(text), {}});
    return;
  }
  has_list_text_ = false;
  if (top().in_table) {
    cell_.append(trim(text)).push_back(' ');
    follow_table();
    return;
  }
  flush_table();
  if (top().breaks_page && has_content_ && !trim(text).empty()) break_page();
  out_.add(role.kind, text, role.level);
  has_content_ = has_content_ || !trim(text).empty();
  flush(following_);
}

void rtf_walker::break_page() {
  if (page_ == 0 || texts_.size() > 1) return;
  flush_table();
  if (in_.progress) in_.progress(page_);
  out_.set_page(++page_);
}

void rtf_walker::end_cell() {
  flush_bytes();
  if (texts_.size() > 1) return end_paragraph();  // A table in an aside: its cells are blocks.
  auto text = std::exchange(cell_, {});
  text.append(trim(std::exchange(texts_.back(), {})));
  has_list_text_ = false;
  const auto column = cells_.size();
  const bool continues = column < continues_above_.size() && continues_above_[column];
  if (continues && !rows_.empty() && column < rows_.back().size() && trim(text).empty() &&
      rows_.back()[column].size() <= max_repeated_bytes)
    text = rows_.back()[column];
  cells_.push_back(std::move(text));
  follow_table();
}

void rtf_walker::end_row() {
  if (texts_.size() == 1 && !cells_.empty()) rows_.push_back(std::exchange(cells_, {}));
}

void rtf_walker::flush_table() {
  if (!trim(cell_).empty()) cells_.push_back(cell_);
  cell_.clear();
  end_row();
  if (rows_.empty()) return;
  const auto rows = std::exchange(rows_, {});
  has_content_ = true;
  if (rows.size() == 1 && rows.front().size() == 1)
    out_.add(element_kind::paragraph, rows.front().front());
  else
    out_.add(element_kind::table, markdown_table(rows));
  flush(after_table_);
}

/// What hangs on a paragraph in a cell comes after the table.
void rtf_walker::follow_table() {
  std::move(following_.begin(), following_.end(), std::back_inserter(after_table_));
  following_.clear();
}

void rtf_walker::flush(std::vector<block>& blocks) {
  for (auto& b : std::exchange(blocks, {})) {
    if (b.role.kind == element_kind::image)
      out_.add_image(collapse(b.text), std::move(b.image));
    else
      out_.add(b.role.kind, b.text, b.role.level);
  }
}

}  // namespace millrace::parsers
