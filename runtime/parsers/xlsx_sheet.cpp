#include "runtime/parsers/xlsx_sheet.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Links of one sheet that are kept.
constexpr std::size_t max_sheet_links = 10'000;

struct cell_place {
  std::uint32_t row = 0;
  std::uint32_t column = 0;
};

/// "B3" or "$B$3", counted from 0; nothing for what lies outside of a sheet.
std::optional<cell_place> read_place(std::string_view reference) {
  cell_place at;
  std::uint32_t column = 0;
  std::size_t i = 0;
  for (; i < reference.size() && (is_alpha(reference[i]) || reference[i] == '$'); ++i) {
    if (reference[i] == '$') continue;
    column = column * 26 + static_cast<std::uint32_t>(to_lower(reference[i]) - 'a' + 1);
    if (column > max_sheet_columns) return std::nullopt;
  }
  const auto end = reference.data() + reference.size();
  const auto read = std::from_chars(reference.data() + i, end, at.row);
  if (read.ec != std::errc{} || read.ptr != end || column == 0 || at.row == 0 ||
      at.row > max_sheet_rows)
    return std::nullopt;
  --at.row;
  at.column = column - 1;
  return at;
}

std::optional<cell_range> read_range(std::string_view reference) {
  const auto colon = reference.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto first = read_place(reference.substr(0, colon));
  const auto last = read_place(reference.substr(colon + 1));
  if (!first || !last || first->row > last->row || first->column > last->column)
    return std::nullopt;
  return cell_range{first->row, last->row, first->column, last->column};
}

class sheet_listener : public xml_listener {
 public:
  sheet_listener(const xlsx_workbook& workbook, sheet_budget& budget, sheet_content& out)
      : workbook_{workbook}, budget_{budget}, out_{out} {}

  void start(std::string_view name, const xml_attributes& attributes) override {
    in_value_ = false;
    if (name == "c") {
      start_cell(attributes);
    } else if (name == "v" || (name == "t" && !in_phonetic_)) {
      in_value_ = in_cell_;
    } else if (name == "row") {
      start_row(attributes["r"]);
    } else if (name == "rPh") {
      in_phonetic_ = true;
    } else if (name == "mergeCell") {
      const auto range = read_range(attributes["ref"]);
      if (range && out_.merges.size() < max_sheet_merges) out_.merges.push_back(*range);
    } else if (name == "hyperlink") {
      if (out_.links.size() < max_sheet_links) out_.links.emplace_back(attributes["id"]);
    } else if (name == "drawing") {
      out_.drawing = attributes["id"];
    }
  }

  void end(std::string_view name) override {
    in_value_ = false;
    if (name == "c") {
      finish_cell();
      in_cell_ = false;
    } else if (name == "rPh") {
      in_phonetic_ = false;
    } else if (name == "row") {
      at_ = {at_.row + 1, 0};
    }
  }

  void text(std::string_view piece) override {
    if (!in_value_) return;
    if (value_.size() + piece.size() > budget_.bytes) fail_size();
    value_ += piece;
  }

 private:
  [[noreturn]] void fail_size() const {
    throw parse_failure{ec::limit_exceeded,
                        "the workbook's cells hold more than " +
                            std::to_string(workbook_.limits().max_text_bytes >> 20) +
                            " MiB of text; split it into smaller workbooks"};
  }

  /// Rows and cells may leave out where they stand: then they follow the one before.
  void start_row(std::string_view number) {
    std::uint32_t row = 0;
    std::from_chars(number.data(), number.data() + number.size(), row);
    at_ = {row > 0 ? row - 1 : at_.row, 0};
  }

  void start_cell(const xml_attributes& attributes) {
    in_cell_ = true;
    in_phonetic_ = false;
    value_.clear();
    if (const auto place = read_place(attributes["r"])) at_ = *place;
    type_ = attributes["t"];
    const auto style = attributes["s"];
    style_ = 0;
    std::from_chars(style.data(), style.data() + style.size(), style_);
  }

  void finish_cell() {
    if (!value_.empty() && at_.row < max_sheet_rows && at_.column < max_sheet_columns) add_cell();
    ++at_.column;
  }

  void add_cell() {
    bool is_number = false;
    const auto shown = show(is_number);
    const auto text = trim(shown);
    if (text.empty()) return;
    if (budget_.cells == 0)
      throw parse_failure{ec::limit_exceeded,
                          "the workbook has more than " + std::to_string(max_workbook_cells) +
                              " cells; split it into smaller workbooks, or save its sheets as CSV"};
    if (text.size() > budget_.bytes || out_.texts.size() + text.size() > UINT32_MAX) fail_size();
    --budget_.cells;
    budget_.bytes -= text.size();
    out_.cells.push_back({at_.row, static_cast<std::uint16_t>(at_.column), is_number,
                          static_cast<std::uint32_t>(out_.texts.size()),
                          static_cast<std::uint32_t>(text.size())});
    out_.texts += text;
  }

  std::string show(bool& is_number) const {
    const auto& format = workbook_.format_of(style_);
    if (type_ == "s") {
      std::size_t index = SIZE_MAX;
      std::from_chars(value_.data(), value_.data() + value_.size(), index);
      return format.show_text(workbook_.shared_text(index));
    }
    if (type_ == "str" || type_ == "inlineStr") return format.show_text(value_);
    if (type_ == "e") return value_;
    is_number = true;
    if (type_ == "b") return value_ == "0" || value_ == "false" ? "FALSE" : "TRUE";
    if (type_ == "d") return show_iso_date();
    return show_number(format, is_number);
  }

  std::string show_number(const number_format& format, bool& is_number) const {
    double number = 0;
    const auto text = trim(value_);
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) {
      is_number = false;
      return value_;
    }
    return format.show(number, workbook_.dates());
  }

  /// Dates of strict files: the time at midnight says nothing.
  std::string show_iso_date() const {
    auto out = value_;
    if (const auto mark = out.find('T'); mark != std::string::npos) {
      out[mark] = ' ';
      if (out.substr(mark).starts_with(" 00:00:00")) out.resize(mark);
    }
    return out;
  }

  const xlsx_workbook& workbook_;
  sheet_budget& budget_;
  sheet_content& out_;
  cell_place at_;
  std::string type_;
  std::string value_;
  std::size_t style_ = 0;
  bool in_cell_ = false;
  bool in_value_ = false;
  bool in_phonetic_ = false;
};

}  // namespace

stream_end read_sheet(ooxml_package& package, const std::string& part,
                      const xlsx_workbook& workbook, sheet_budget& budget, sheet_content& out) {
  sheet_listener listener{workbook, budget, out};
  const auto end = stream_xml(package.zip(), part, workbook.limits(), listener);
  const auto before = [](const sheet_cell& a, const sheet_cell& b) {
    return std::pair{a.row, a.column} < std::pair{b.row, b.column};
  };
  if (!std::is_sorted(out.cells.begin(), out.cells.end(), before))
    std::stable_sort(out.cells.begin(), out.cells.end(), before);
  return end;
}

}  // namespace millrace::parsers
