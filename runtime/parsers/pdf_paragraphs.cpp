#include "runtime/parsers/pdf_paragraphs.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "runtime/parsers/pdf_direction.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// A line shorter than this share of its block's width, and ending a sentence, ends its paragraph.
constexpr std::size_t full_line_percent = 75;
/// Blocks narrower than this are cells and captions, whose lines say nothing by their length.
constexpr std::size_t min_block_width = 30;
/// More headings than this without text between them are a table of contents.
constexpr std::size_t max_headings_in_a_row = 3;
/// A page with fewer blocks may be a table, whose numbers are no page numbers.
constexpr std::size_t min_blocks_around_page_number = 3;

using block_lines = std::vector<std::string>;

struct block {
  std::size_t offset = 0;  ///< In the page's text.
  block_lines lines;
};

bool ends_sentence(std::string_view line) {
  while (!line.empty() && (line.back() == '"' || line.back() == ')' || line.back() == '\''))
    line.remove_suffix(1);
  if (line.ends_with("\u201D")) line.remove_suffix(3);
  return !line.empty() && std::string_view{".!?:"}.find(line.back()) != std::string_view::npos;
}

/// "3", "3.1", "3.1.4": the number of a section whose title stands in a block of its own.
bool is_section_number(std::string_view line) {
  return !line.empty() && line.size() <= 8 && is_digit(line[0]) &&
         line.find_first_not_of("0123456789.") == std::string_view::npos &&
         line.find("..") == std::string_view::npos;
}

bool is_page_number(const block_lines& lines) {
  return lines.size() == 1 && lines[0].size() <= 4 &&
         (lines[0].find_first_not_of("0123456789") == std::string::npos ||
          lines[0].find_first_not_of("ivxlc") == std::string::npos);
}

/// A marker whose item stands elsewhere: says nothing.
bool is_lone_bullet(std::string_view line) {
  return line.size() <= 4 && bullet_length(std::string{line} + " ") > 0;
}

std::vector<block> split_blocks(std::string_view text) {
  std::vector<block> out(1);
  const auto* start = text.data();
  while (!text.empty()) {
    const auto offset = static_cast<std::size_t>(text.data() - start);
    auto line = collapse(without_direction_marks(take_line(text)));
    auto& last = out.back();
    if (line.empty()) {
      if (!last.lines.empty()) out.emplace_back();
    } else if (!is_lone_bullet(line)) {
      if (last.lines.empty()) last.offset = offset;
      last.lines.push_back(std::move(line));
    }
  }
  if (out.back().lines.empty()) out.pop_back();
  if (out.size() > min_blocks_around_page_number) {
    if (is_page_number(out.back().lines)) out.pop_back();
    if (is_page_number(out.front().lines)) out.erase(out.begin());
  }
  return out;
}

class paragraph_reader {
 public:
  paragraph_reader(const outline_titles& outline, document_builder& out)
      : outline_{outline}, out_{out} {}

  void read(std::string_view text, const std::vector<placed_image>& images) {
    auto image = images.begin();
    for (const auto& block : split_blocks(text)) {
      for (; image != images.end() && image->offset <= block.offset; ++image) add_image(*image);
      read_block(block.lines);
    }
    for (; image != images.end(); ++image) add_image(*image);
    flush_all();
  }

 private:
  struct heading {
    std::string text;
    std::uint8_t level;
  };

  void add_image(const placed_image& image) {
    flush_all();
    out_.add_image({}, image.info);
  }

  void flush_all() {
    flush_number();
    flush();
    flush_headings();
  }

  void read_block(const block_lines& lines) {
    if (lines.size() == 1 && is_section_number(lines[0])) {
      flush_number();
      flush();
      number_ = lines[0];
      return;
    }
    if (lines.size() == 1 && read_heading(lines[0])) return;
    flush_number();
    std::size_t width = 0;
    for (const auto& line : lines) width = std::max(width, length_in_code_points(line));
    if (!continues(lines[0])) flush();
    for (const auto& line : lines) read_line(line, width);
    last_width_ = width;
  }

  /// A line alone in its block.
  bool read_heading(const std::string& line) {
    const auto whole = number_.empty() ? line : number_ + " " + line;
    auto level = static_cast<std::uint8_t>(numbered_heading_level(whole));
    if (const auto at = outline_.find(whole); at != outline_.end()) level = at->second;
    if (level == 0) return false;
    number_.clear();
    add_heading(whole, level);
    return true;
  }

  void read_line(const std::string& line, std::size_t width) {
    const bool is_short = length_in_code_points(line) * 100 < width * full_line_percent;
    if (const auto level = heading_level(line, is_short); level > 0) {
      add_heading(line, level);
      return;
    }
    const auto marker = bullet_length(line);
    const auto ordinal = ordinal_of(line);
    if (marker > 0 || (ordinal > 0 && (ordinal == 1 || ordinal == ordinal_ + 1))) {
      flush();
      is_item_ = true;
      if (ordinal > 0) ordinal_ = ordinal;
    } else if (ended_short_) {
      flush();
    }
    append_line(paragraph_, trim(std::string_view{line}.substr(marker)));
    ended_short_ = width >= min_block_width && is_short && ends_sentence(line);
  }

  /// Of a line among others: in the outline, or short, numbered with a subsection's number and
  /// after a sentence.
  std::uint8_t heading_level(const std::string& line, bool is_short) const {
    if (const auto at = outline_.find(line); at != outline_.end()) return at->second;
    if (!is_short || !(paragraph_.empty() || ends_sentence(paragraph_))) return 0;
    const auto level = numbered_heading_level(line);
    return level >= 2 ? static_cast<std::uint8_t>(level) : 0;
  }

  /// A paragraph goes on in the next block (the next column) where it stopped inside a sentence.
  bool continues(std::string_view next) const {
    return !paragraph_.empty() && last_width_ >= min_block_width && !ends_sentence(paragraph_) &&
           is_lower(next.front()) && outline_.find(next) == outline_.end();
  }

  void add_heading(const std::string& text, std::uint8_t level) {
    flush();
    headings_.push_back({text, level});
  }

  void flush_headings() {
    const bool is_contents = headings_.size() > max_headings_in_a_row;
    for (const auto& [text, level] : std::exchange(headings_, {}))
      out_.add(is_contents ? element_kind::paragraph : element_kind::heading, text,
               is_contents ? 0 : level);
  }

  void flush() {
    if (!paragraph_.empty()) {
      flush_headings();
      out_.add(is_item_ ? element_kind::list_item : element_kind::paragraph, paragraph_,
               is_item_ ? 1 : 0);
      paragraph_.clear();
    }
    is_item_ = false;
    ended_short_ = false;
  }

  /// A number that no title followed, that of a figure or a cell.
  void flush_number() {
    if (number_.empty()) return;
    flush();
    paragraph_ = std::exchange(number_, {});
    flush();
  }

  const outline_titles& outline_;
  document_builder& out_;
  std::string paragraph_;
  std::string number_;             ///< A section number that waits for its title.
  std::vector<heading> headings_;  ///< Since the last paragraph.
  std::size_t last_width_ = 0;
  int ordinal_ = 0;  ///< Of the last numbered item.
  bool is_item_ = false;
  bool ended_short_ = false;
};

}  // namespace

void add_pdf_page(std::string_view text, const std::vector<placed_image>& images,
                  const outline_titles& outline, document_builder& out) {
  paragraph_reader{outline, out}.read(text, images);
}

}  // namespace millrace::parsers
