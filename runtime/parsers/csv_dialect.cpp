#include "runtime/parsers/csv_dialect.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "runtime/parsers/csv_reader.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t dialect_sample_bytes = 64 * 1024;
/// Of hundred rows, this many must have the usual number of fields; real files have ragged rows.
constexpr std::size_t min_regular_percent = 70;
/// Prose has long clauses between its commas, data has short fields.
constexpr std::size_t max_mean_field_bytes = 200;
constexpr std::size_t max_mean_listed_bytes = 24;

std::string_view whole_lines(std::string_view text) {
  if (text.size() <= dialect_sample_bytes) return text;
  const auto sample = text.substr(0, dialect_sample_bytes);
  const auto end = sample.rfind('\n');
  return end == std::string_view::npos ? sample : sample.substr(0, end + 1);
}

/// Cheap and right for nearly all prose: the first line has a delimiter, and there are about as
/// many as lines.
bool may_be_delimited(std::string_view sample, char delimiter) {
  auto rest = sample;
  if (take_line(rest).find(delimiter) == std::string_view::npos) return false;
  const auto lines = std::count(sample.begin(), sample.end(), '\n');
  return 2 * std::count(sample.begin(), sample.end(), delimiter) > lines;
}

/// How the sample falls into rows and fields with one delimiter.
struct shape {
  std::size_t rows = 0;
  std::size_t columns = 0;  ///< The usual number of fields.
  std::size_t regular_rows = 0;
  std::size_t mean_field_bytes = 0;
  std::size_t rows_without_first_field = 0;
  std::size_t rows_without_last_field = 0;

  std::size_t regular_percent() const { return rows == 0 ? 0 : regular_rows * 100 / rows; }
};

shape measure(std::string_view sample, char delimiter) {
  shape out;
  std::map<std::size_t, std::size_t> rows_by_columns;
  std::size_t fields = 0;
  std::size_t bytes = 0;
  read_csv(sample, delimiter, [&](table_row& row) {
    ++out.rows;
    ++rows_by_columns[row.size()];
    fields += row.size();
    for (const auto& field : row) bytes += field.size();
    if (row.front().empty()) ++out.rows_without_first_field;
    if (row.back().empty()) ++out.rows_without_last_field;
  });
  for (const auto& [columns, rows] : rows_by_columns) {
    if (rows < out.regular_rows) continue;
    out.columns = columns;
    out.regular_rows = rows;
  }
  out.mean_field_bytes = fields == 0 ? 0 : bytes / fields;
  return out;
}

/// The second line of a Markdown table, which is no CSV though pipes delimit it.
bool has_markdown_rule(std::string_view sample) {
  take_line(sample);
  if (sample.empty()) return false;
  const auto line = take_line(sample);
  return line.find("--") != std::string_view::npos &&
         line.find_first_not_of("|-: \t") == std::string_view::npos;
}

/// Prose puts a space after its commas and semicolons; a file of data seldom does.
bool has_spaced_delimiters(std::string_view sample, char delimiter) {
  std::size_t all = 0;
  std::size_t spaced = 0;
  for (auto at = sample.find(delimiter); at != std::string_view::npos;
       at = sample.find(delimiter, at + 1)) {
    ++all;
    if (at + 1 < sample.size() && sample[at + 1] == ' ') ++spaced;
  }
  return spaced * 2 > all;
}

bool is_table(const shape& s, std::string_view sample, char delimiter) {
  if (s.columns < 2 || s.rows < 2 || s.mean_field_bytes > max_mean_field_bytes) return false;
  if (s.regular_percent() < min_regular_percent) return false;
  if (s.rows < 3 && s.regular_rows < s.rows) return false;
  if (s.rows_without_first_field * 2 > s.rows) return false;
  // Statements of a program end in `;`: two fields, the last empty.
  if (s.columns == 2 && s.rows_without_last_field * 2 > s.rows) return false;
  const bool punctuation = delimiter == ',' || delimiter == ';';
  if (!punctuation) return true;
  if (has_spaced_delimiters(sample, delimiter))
    return s.columns >= 3 && s.rows >= 3 && s.mean_field_bytes <= max_mean_listed_bytes;
  return s.columns >= 3 || s.rows >= 3;
}

}  // namespace

std::size_t delimiter_line_length(std::string_view text) {
  auto rest = text;
  if (rest.empty()) return 0;
  const auto line = trim(take_line(rest));
  return line.size() == 5 && starts_with_ignoring_case(line, "sep=") ? text.size() - rest.size()
                                                                     : 0;
}

std::optional<char> sniff_delimiter(std::string_view text) {
  if (const auto length = delimiter_line_length(text); length > 0) return text[4];
  const auto sample = whole_lines(text);
  if (sample.empty()) return std::nullopt;
  std::optional<char> best;
  std::size_t best_score = 0;
  for (const char delimiter : {',', ';', '\t', '|'}) {
    if (!may_be_delimited(sample, delimiter) || (delimiter == '|' && has_markdown_rule(sample)))
      continue;
    const auto s = measure(sample, delimiter);
    const auto score = s.columns * s.regular_percent();
    if (!is_table(s, sample, delimiter) || score <= best_score) continue;
    best = delimiter;
    best_score = score;
  }
  return best;
}

}  // namespace millrace::parsers
