#include "runtime/parsers/markdown_signs.hpp"

#include <algorithm>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Sixths, so that a third and a half of a point are whole numbers.
constexpr int point = 6;
constexpr int enough = 4 * point;

bool is_atx_heading(std::string_view line) {
  const auto hashes = line.find_first_not_of('#');
  return hashes != std::string_view::npos && hashes >= 1 && hashes <= 6 && line[hashes] == ' ';
}

/// Starts with a pipe, or has one inside, and consists of dashes, colons and pipes.
bool is_table_rule(std::string_view line) {
  return line.find('|') != std::string_view::npos && line.find("--") != std::string_view::npos &&
         line.find_first_not_of("|-: \t") == std::string_view::npos;
}

bool is_underline(std::string_view line) {
  return line.size() >= 3 && (line[0] == '=' || line[0] == '-') &&
         line.find_first_not_of(line[0]) == std::string_view::npos;
}

bool is_list_item(std::string_view line) {
  if (line.size() < 3) return false;
  if ((line[0] == '-' || line[0] == '*' || line[0] == '+') && line[1] == ' ') return true;
  std::size_t digits = 0;
  while (digits < line.size() && digits < 3 && is_digit(line[digits])) ++digits;
  return digits > 0 && digits + 1 < line.size() && (line[digits] == '.' || line[digits] == ')') &&
         line[digits + 1] == ' ';
}

bool has_link(std::string_view line) {
  const auto middle = line.find("](");
  return middle != std::string_view::npos && line.find('[') < middle &&
         line.find(')', middle) != std::string_view::npos;
}

/// A pair of `mark` around something on one line.
bool has_pair(std::string_view line, std::string_view mark) {
  const auto open = line.find(mark);
  if (open == std::string_view::npos || open + mark.size() >= line.size()) return false;
  if (is_space(line[open + mark.size()])) return false;
  const auto close = line.find(mark, open + mark.size() + 1);
  return close != std::string_view::npos;
}

class sign_counter {
 public:
  explicit sign_counter(std::string_view sample) : rest_{sample} {}

  int total() {
    if (rest_.starts_with("#!")) return 0;
    while (!rest_.empty()) {
      const auto raw = take_line(rest_);
      read(trim(raw));
      ++line_number_;
    }
    close_heading(true);
    return std::min(headings_, 6 * point) + std::min(first_heading_ + fences_ + rules_, 4 * point) +
           front_matter_ + std::min(links_, 4 * point) + std::min(underlines_, 2 * point) +
           std::min(items_, 2 * point) + std::min(emphasis_, 2 * point) + std::min(quotes_, point);
  }

 private:
  void read(std::string_view line) {
    if (line.starts_with("```") || line.starts_with("~~~")) {
      if (in_fence_) fences_ = 4 * point;
      in_fence_ = !in_fence_;
    }
    if (in_fence_) return;
    if (line_number_ == 0 && line == "---")
      in_front_matter_ = true;
    else if (in_front_matter_)
      read_front_matter(line);
    close_heading(line.empty());
    if (!line.empty()) read_text(line);
    previous_ = line;
    if (!line.empty()) seen_text_ = true;
  }

  void read_front_matter(std::string_view line) {
    if (line == "---") {
      if (front_matter_keys_ > 0) front_matter_ = 3 * point;
      in_front_matter_ = false;
    } else if (line.find(": ") != std::string_view::npos) {
      ++front_matter_keys_;
    }
  }

  /// A heading counts where a blank line follows; a run of `# ` lines is a script's comments.
  void close_heading(bool followed_by_blank) {
    if (open_heading_ != nullptr && followed_by_blank) *open_heading_ += open_heading_weight_;
    open_heading_ = nullptr;
  }

  void read_text(std::string_view line) {
    if (is_atx_heading(line) && previous_.empty()) {
      open_heading_ = seen_text_ ? &headings_ : &first_heading_;
      open_heading_weight_ = !seen_text_              ? 4 * point
                             : line.starts_with("##") ? 3 * point
                                                      : 2 * point;
      return;
    }
    if (is_table_rule(line) && previous_.find('|') != std::string_view::npos) rules_ = 4 * point;
    if (is_underline(line) && !previous_.empty() && !is_underline(previous_)) underlines_ += point;
    if (is_list_item(line)) items_ += point / 3;
    if (has_link(line)) links_ += 2 * point;
    if (has_pair(line, "**") || has_pair(line, "`")) emphasis_ += point;
    if (line.starts_with("> ")) quotes_ += point / 2;
  }

  std::string_view rest_;
  std::string_view previous_;
  std::size_t line_number_ = 0;
  bool seen_text_ = false;
  bool in_fence_ = false;
  bool in_front_matter_ = false;
  int front_matter_keys_ = 0;
  int* open_heading_ = nullptr;
  int open_heading_weight_ = 0;
  int headings_ = 0;
  int first_heading_ = 0;
  int fences_ = 0;
  int rules_ = 0;
  int front_matter_ = 0;
  int links_ = 0;
  int underlines_ = 0;
  int items_ = 0;
  int emphasis_ = 0;
  int quotes_ = 0;
};

}  // namespace

bool has_markdown_signs(std::string_view sample) {
  return sign_counter{sample}.total() >= enough;
}

}  // namespace millrace::parsers
