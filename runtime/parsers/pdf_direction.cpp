#include "runtime/parsers/pdf_direction.hpp"

#include <algorithm>

#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::string_view right_to_left_embedding = "\u202B";
constexpr std::string_view left_to_right_embedding = "\u202A";
constexpr std::string_view end_of_embedding = "\u202C";

/// Length of the mark at the start of `text`, 0 where there is none.
std::size_t mark_length(std::string_view text) {
  if (text.size() < 3 || text[0] != '\xE2') return 0;
  const auto last = static_cast<unsigned char>(text[2]);
  if (text[1] == '\x80') return last >= 0xAA && last <= 0xAE ? 3 : 0;
  if (text[1] == '\x81') return last >= 0xA6 && last <= 0xA9 ? 3 : 0;
  return 0;
}

std::string without_marks(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (const auto mark = mark_length(text.substr(i)); mark > 0)
      i += mark;
    else
      out += text[i++];
  }
  return out;
}

bool is_word_character(char c) {
  return is_alpha(c) || is_digit(c);
}

/// Adds a run, with a space where a word of the one direction would touch one of the other.
void append_run(std::string& out, std::string_view run) {
  if (!out.empty() && !run.empty()) {
    const bool into_left = is_right_to_left(last_code_point(out)) && is_word_character(run.front());
    const bool out_of_left =
        is_word_character(out.back()) && is_right_to_left(first_code_point(run));
    if (into_left || out_of_left) out += ' ';
  }
  out += run;
}

}  // namespace

bool is_right_to_left(char32_t c) {
  return (c >= 0x0590 && c <= 0x08FF) || (c >= 0xFB1D && c <= 0xFDFF) ||
         (c >= 0xFE70 && c <= 0xFEFF);
}

std::string without_direction_marks(std::string_view line) {
  if (!line.starts_with(right_to_left_embedding)) return without_marks(line);
  std::string out;
  while (!line.empty()) {
    const auto start = line.find(left_to_right_embedding);
    append_run(out, without_marks(line.substr(0, start)));
    if (start == std::string_view::npos) break;
    line.remove_prefix(start + left_to_right_embedding.size());
    const auto end = std::min(line.find(end_of_embedding), line.size());
    const auto run = without_marks(line.substr(0, end));
    line.remove_prefix(end);
    const auto word = trim(std::string_view{run});
    if (!run.empty() && is_space(run.back())) out += ' ';
    append_run(out, word);
    if (!run.empty() && is_space(run.front())) out += ' ';
  }
  return out;
}

}  // namespace millrace::parsers
