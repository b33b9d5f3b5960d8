// Plain text: blank lines separate paragraphs; lines that were wrapped by hand are joined again,
// lines that were ended on purpose (logs, code, addresses, verse) are kept.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Text is wrapped by hand somewhere between these; shorter or longer lines are lines of their own.
constexpr std::size_t min_wrap_width = 40;
constexpr std::size_t max_wrap_width = 130;
/// Of hundred lines of a paragraph, this many must look wrapped for any of them to be joined.
constexpr std::size_t min_wrapped_percent = 70;
/// A paragraph without a blank line (a log) is cut at the first line end after this.
constexpr std::size_t max_paragraph_bytes = 64 * 1024;
constexpr std::size_t max_heading_bytes = 80;

std::size_t first_word_length(std::string_view line) {
  return length_in_code_points(line.substr(0, line.find(' ')));
}

/// A line was wrapped, and not ended on purpose, where the next line's first word would not have
/// fitted any more.
bool was_wrapped(std::string_view line, std::string_view next, std::size_t width) {
  if (is_space(next[0]) || bullet_length(next) > 0) return false;
  if (is_digit(line[0]) && is_digit(next[0])) return false;  // Rows of a log start with their time.
  return length_in_code_points(line) + 1 + first_word_length(next) > width;
}

/// The width at which these lines were wrapped, 0 where too few of them look wrapped.
std::size_t wrap_width(const std::vector<std::string_view>& lines) {
  std::size_t width = 0;
  for (const auto line : lines) width = std::max(width, length_in_code_points(line));
  if (width < min_wrap_width || width > max_wrap_width) return 0;
  std::size_t wrapped = 0;
  for (std::size_t i = 1; i < lines.size(); ++i)
    wrapped += was_wrapped(lines[i - 1], lines[i], width) ? 1U : 0U;
  return wrapped * 100 >= (lines.size() - 1) * min_wrapped_percent ? width : 0;
}

std::string join_lines(const std::vector<std::string_view>& lines) {
  const auto width = wrap_width(lines);
  std::string out{trim(lines.front())};
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (width > 0 && was_wrapped(lines[i - 1], lines[i], width)) {
      append_line(out, trim(lines[i]));
    } else {
      out.push_back('\n');
      out.append(lines[i]);
    }
  }
  return out;
}

bool is_underline(std::string_view line) {
  return line.size() >= 3 && (line[0] == '=' || line[0] == '-') &&
         line.find_first_not_of(line[0]) == std::string_view::npos;
}

/// Capital letters only, and at least four of them: "THE HISTORY OF MILLS".
bool is_all_capitals(std::string_view line) {
  const auto capitals = std::count_if(line.begin(), line.end(), is_upper);
  const auto others = std::count_if(line.begin(), line.end(), is_lower);
  return line.size() <= max_heading_bytes && capitals >= 4 && others == 0 &&
         std::string_view{".,;:"}.find(line.back()) == std::string_view::npos;
}

/// Level of a heading that stands alone between blank lines, 0 where the line is no clear heading.
int heading_level(std::string_view line) {
  if (const auto level = numbered_heading_level(line); level > 0) return level;
  return is_all_capitals(line) ? 1 : 0;
}

class paragraph_collector {
 public:
  explicit paragraph_collector(document_builder& out) : out_{out} {}

  void add(std::string_view line) {
    lines_.push_back(line);
    bytes_ += line.size();
    if (bytes_ > max_paragraph_bytes) flush();
  }

  void flush() {
    if (lines_.empty()) return;
    if (lines_.size() == 2 && is_underline(trim(lines_[1])))
      out_.add(element_kind::heading, lines_[0], lines_[1][0] == '=' ? 1 : 2);
    else if (const auto level = lines_.size() == 1 ? heading_level(trim(lines_[0])) : 0; level > 0)
      out_.add(element_kind::heading, lines_[0], static_cast<std::uint8_t>(level));
    else if (bullet_length(trim(lines_[0])) > 0)
      add_items();
    else
      out_.add(element_kind::paragraph, join_lines(lines_));
    lines_.clear();
    bytes_ = 0;
  }

 private:
  /// A paragraph that starts with a marker is a list: each marked line starts an item.
  void add_items() {
    std::string item;
    for (const auto raw : lines_) {
      const auto line = trim(raw);
      const auto marker = bullet_length(line);
      if (marker > 0) out_.add(element_kind::list_item, std::exchange(item, {}), 1);
      append_line(item, trim(line.substr(marker)));
    }
    out_.add(element_kind::list_item, item, 1);
  }

  document_builder& out_;
  std::vector<std::string_view> lines_;
  std::size_t bytes_ = 0;
};

std::string_view without_trailing_space(std::string_view line) {
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  return line;
}

}  // namespace

void parse_plain_text(const parse_input& in, document_builder& out) {
  paragraph_collector paragraph{out};
  for (auto rest = in.text; !rest.empty();) {
    const auto line = without_trailing_space(take_line(rest));
    if (line.empty())
      paragraph.flush();
    else
      paragraph.add(line);
  }
  paragraph.flush();
}

}  // namespace millrace::parsers
