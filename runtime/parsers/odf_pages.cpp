// The pages of presentations and drawings, and the sheets of spreadsheets.
#include <utility>

#include "runtime/parsers/odf_table.hpp"
#include "runtime/parsers/odf_walker.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t rows_per_table = 200;
constexpr std::size_t bytes_per_table = 256 * 1024;

/// Cuts the rows of a sheet into tables: at blank rows, and where one grows long; the parts of a
/// long table begin with its first row again, so that each can be understood alone.
class sheet_tables {
 public:
  explicit sheet_tables(document_builder& out) : out_{out} {}

  void begin_sheet(std::string_view name) { name_ = name; }

  /// The sheet's name comes before the first that it holds; a blank sheet says nothing.
  void say_name() { out_.add(element_kind::heading, std::exchange(name_, {}), 1); }

  void add(table_row& row) {
    if (row.empty()) {
      flush();
      rows_.clear();
      continued_ = false;
      return;
    }
    for (const auto& cell : row) bytes_ += cell.size();
    rows_.push_back(std::move(row));
    if (rows_.size() > rows_per_table || bytes_ > bytes_per_table) flush();
  }

  void flush() {
    if (rows_.empty() || (rows_.size() == 1 && continued_)) return;
    say_name();
    if (const auto* alone = only_cell())
      out_.add(element_kind::paragraph, *alone);
    else
      out_.add(element_kind::table, markdown_table(rows_));
    rows_.resize(1);
    bytes_ = 0;
    continued_ = true;
  }

 private:
  /// The cell of a row that holds nothing else, between blank rows: a caption or a remark.
  const std::string* only_cell() const {
    if (rows_.size() != 1) return nullptr;
    const std::string* found = nullptr;
    for (const auto& cell : rows_.front()) {
      if (cell.empty()) continue;
      if (found != nullptr) return nullptr;
      found = &cell;
    }
    return found;
  }

  document_builder& out_;
  std::string name_;
  std::vector<table_row> rows_;
  std::size_t bytes_ = 0;
  bool continued_ = false;
};

/// Text that a program puts onto every slide.
bool is_repeated_on_pages(std::string_view presentation_class) {
  return presentation_class == "footer" || presentation_class == "header" ||
         presentation_class == "date-time" || presentation_class == "page-number";
}

}  // namespace

void odf_walker::walk_pages(const pugi::xml_node& presentation) {
  for (const auto node : presentation.children()) {
    if (local_name(node) != "page") continue;
    out_.set_page(++page_);
    walk_page(node);
    paragraphs_.flush_code();
    if (in_.progress) in_.progress(page_);
  }
  out_.set_page_count(page_);
}

void odf_walker::walk_page(const pugi::xml_node& page) {
  const auto class_of = [](const pugi::xml_node& shape) { return attribute_named(shape, "class"); };
  for (const auto shape : page.children())
    if (class_of(shape) == "title")
      paragraphs_.add(
          {element_kind::heading, 1},
          captured(local_name(shape) == "frame" ? child_named(shape, "text-box") : shape));
  flush_pending();
  for (const auto shape : page.children())
    if (class_of(shape) != "title" && !is_repeated_on_pages(class_of(shape))) walk_block(shape);
  for (const auto shape : child_named(page, "notes").children())
    if (class_of(shape) == "notes") walk_block(shape);
}

void odf_walker::walk_sheets(const pugi::xml_node& spreadsheet) {
  sheet_tables tables{out_};
  odf_table_reader reader{in_.limits.max_depth,
                          [&](const pugi::xml_node& cell) { return cell_text(cell); },
                          [&](table_row& row) { tables.add(row); }};
  for (const auto sheet : spreadsheet.children()) {
    if (local_name(sheet) != "table") continue;
    out_.set_page(++page_);
    tables.begin_sheet(attribute_named(sheet, "name"));
    reader.read(sheet);
    table_row end;
    tables.add(end);
    const auto shapes = child_named(sheet, "shapes");
    if (shapes || !images_.empty() || !remarks_.empty()) tables.say_name();
    flush_pending();
    walk_blocks(shapes);
    paragraphs_.flush_code();
    if (in_.progress) in_.progress(page_);
  }
  out_.set_page_count(page_);
}

}  // namespace millrace::parsers
