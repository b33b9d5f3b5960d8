#include "runtime/parsers/xlsx_tables.hpp"

#include <algorithm>
#include <utility>

#include "runtime/parsers/table_cutter.hpp"

namespace millrace::parsers {

namespace {

/// More rows than this with one cell each are a list, not lines of text.
constexpr std::size_t max_text_rows = 3;

/// The cells of a row, as indices into sheet_content::cells.
struct row_span {
  std::uint32_t row = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - begin; }
};
using row_spans = std::vector<row_span>;

struct column_range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

row_spans rows_of(const sheet_content& sheet) {
  row_spans out;
  for (std::size_t i = 0; i < sheet.cells.size(); ++i) {
    if (out.empty() || out.back().row != sheet.cells[i].row)
      out.push_back({sheet.cells[i].row, i, i});
    out.back().end = i + 1;
  }
  return out;
}

/// The part of a row's cells inside of these columns.
row_span within(const sheet_content& sheet, const row_span& row, const column_range& columns) {
  const auto at = [&](std::size_t i) {
    return sheet.cells.begin() + static_cast<std::ptrdiff_t>(i);
  };
  const auto column_before = [](const sheet_cell& cell, std::uint32_t column) {
    return cell.column < column;
  };
  const auto first = std::lower_bound(at(row.begin), at(row.end), columns.first, column_before);
  const auto last = std::lower_bound(first, at(row.end), columns.last + 1, column_before);
  return {row.row, static_cast<std::size_t>(first - sheet.cells.begin()),
          static_cast<std::size_t>(last - sheet.cells.begin())};
}

class table_finder {
 public:
  table_finder(const sheet_content& sheet, document_builder& out) : sheet_{sheet}, out_{out} {}

  void add_all() {
    const auto rows = rows_of(sheet_);
    std::size_t begin = 0;
    bool only_lines = true;  // So far no row of the table has two cells.
    for (std::size_t i = 1; i <= rows.size(); ++i) {
      only_lines = only_lines && rows[i - 1].size() == 1;
      if (i < rows.size() && !parts(rows, i, only_lines)) continue;
      add_band({rows.begin() + static_cast<std::ptrdiff_t>(begin),
                rows.begin() + static_cast<std::ptrdiff_t>(i)});
      begin = i;
      only_lines = true;
    }
  }

 private:
  bool is_header(const row_span& row) const {
    if (row.size() < 2) return false;
    for (auto i = row.begin; i < row.end; ++i)
      if (sheet_.cells[i].is_number) return false;
    return true;
  }

  /// True where a table ends before row `next`; `only_lines`: it has no row of two cells.
  bool parts(const row_spans& rows, std::size_t next, bool only_lines) const {
    const auto gap = rows[next].row - rows[next - 1].row - 1;
    if (gap == 0) return false;
    const bool is_title = rows[next].size() == 1 && next + 1 < rows.size() &&
                          rows[next + 1].row == rows[next].row + 1 && is_header(rows[next + 1]);
    return gap > 1 || only_lines || is_title || is_header(rows[next]);
  }

  /// Those that have cells, in order.
  std::vector<std::uint16_t> used_columns(const row_spans& rows) {
    std::vector<std::uint16_t> out;
    for (const auto& row : rows)
      for (auto i = row.begin; i < row.end; ++i) {
        const auto column = sheet_.cells[i].column;
        if (!seen_[column]) out.push_back(column);
        seen_[column] = true;
      }
    for (const auto column : out) seen_[column] = false;
    std::sort(out.begin(), out.end());
    return out;
  }

  /// Runs of columns that have cells.
  std::vector<column_range> column_groups(const row_spans& rows) {
    std::vector<column_range> out;
    for (const auto column : used_columns(rows)) {
      if (!out.empty() && out.back().last + 1U == column)
        out.back().last = column;
      else
        out.push_back({column, column});
    }
    return out;
  }

  /// True where these columns hold, below lines of one cell, a header that fills them.
  bool is_table_by_itself(const row_spans& rows, const column_range& columns) const {
    if (columns.first == columns.last) return false;
    for (const auto& row : rows) {
      const auto inside = within(sheet_, row, columns);
      if (inside.size() < 2) continue;
      return is_header(inside) && inside.size() == columns.last - columns.first + 1;
    }
    return false;
  }

  void add_band(const row_spans& rows) {
    const auto groups = column_groups(rows);
    const bool side_by_side = groups.size() > 1 && groups.size() <= max_filled_columns &&
                              std::all_of(groups.begin(), groups.end(), [&](const auto& columns) {
                                return is_table_by_itself(rows, columns);
                              });
    if (!side_by_side) {
      add_table(rows);
      return;
    }
    for (const auto& columns : groups) {
      row_spans part;
      for (const auto& row : rows)
        if (const auto inside = within(sheet_, row, columns); inside.size() > 0)
          part.push_back(inside);
      add_table(part);
    }
  }

  void add_table(const row_spans& rows) {
    const auto wide =
        std::find_if(rows.begin(), rows.end(), [](const row_span& r) { return r.size() > 1; });
    auto lines = static_cast<std::size_t>(wide - rows.begin());
    if (wide == rows.end() && rows.size() > max_text_rows) lines = 0;
    for (std::size_t i = 0; i < lines; ++i)
      out_.add(element_kind::paragraph, sheet_.text(sheet_.cells[rows[i].begin]));
    if (lines < rows.size())
      add_rows({rows.begin() + static_cast<std::ptrdiff_t>(lines), rows.end()});
  }

  /// Each run of rows finds its own columns, so that rows that have nothing in common do not widen
  /// each other.
  void add_rows(const row_spans& rows) {
    constexpr auto run = table_cutter::rows_per_table;
    for (std::size_t begin = 1; begin == 1 || begin < rows.size(); begin += run) {
      row_spans part{rows.front()};
      const auto end = std::min(begin + run, rows.size());
      part.insert(part.end(), rows.begin() + static_cast<std::ptrdiff_t>(begin),
                  rows.begin() + static_cast<std::ptrdiff_t>(end));
      add_run(part);
    }
  }

  void add_run(const row_spans& rows) {
    std::uint32_t next = 0;
    for (const auto column : used_columns(rows)) place_[column] = next++;
    table_cutter table{out_};
    for (const auto& row : rows) {
      table_row out;
      for (auto i = row.begin; i < row.end; ++i) {
        const auto& cell = sheet_.cells[i];
        out.resize(place_[cell.column] + 1U);
        out.back() = sheet_.text(cell);
      }
      table.add(out);
    }
    table.flush();
  }

  const sheet_content& sheet_;
  document_builder& out_;
  std::vector<bool> seen_ = std::vector<bool>(max_sheet_columns);
  std::vector<std::uint32_t> place_ = std::vector<std::uint32_t>(max_sheet_columns);
};

}  // namespace

void fill_merged_cells(sheet_content& sheet) {
  const auto rows = rows_of(sheet);
  const auto whole = sheet.cells.size();
  std::size_t budget = max_filled_cells;
  for (const auto& merge : sheet.merges) {
    auto row = std::lower_bound(rows.begin(), rows.end(), merge.first_row,
                                [](const row_span& r, std::uint32_t at) { return r.row < at; });
    if (row == rows.end() || row->row != merge.first_row) continue;
    const auto columns = column_range{
        merge.first_column, std::min(merge.last_column, merge.first_column + max_filled_columns)};
    const auto own = within(sheet, *row, columns);
    if (own.size() == 0 || sheet.cells[own.begin].column != merge.first_column ||
        sheet.cells[own.begin].size > max_repeated_bytes)
      continue;
    const auto origin = sheet.cells[own.begin];
    for (; row != rows.end() && row->row <= merge.last_row && budget > 0; ++row) {
      --budget;  // Rows that are only looked at cost as well.
      const auto inside = within(sheet, *row, columns);
      const bool is_origin = row->row == merge.first_row;
      if (row->size() == inside.size() || inside.size() > (is_origin ? 1U : 0U)) continue;
      for (auto column = columns.first + (is_origin ? 1U : 0U);
           column <= columns.last && budget > 0; ++column, --budget) {
        auto copy = origin;
        copy.row = row->row;
        copy.column = static_cast<std::uint16_t>(column);
        sheet.cells.push_back(copy);
      }
    }
  }
  if (sheet.cells.size() == whole) return;
  std::stable_sort(sheet.cells.begin(), sheet.cells.end(),
                   [](const sheet_cell& a, const sheet_cell& b) {
                     return std::pair{a.row, a.column} < std::pair{b.row, b.column};
                   });
}

void add_sheet_tables(const sheet_content& sheet, document_builder& out) {
  table_finder{sheet, out}.add_all();
}

}  // namespace millrace::parsers
