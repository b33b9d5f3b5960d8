// The rows of an OpenDocument table, of text documents and spreadsheets alike. Repeated cells and
// rows, of which an empty sheet declares a thousand million, cost nothing where they are blank.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include <pugixml.hpp>

#include "runtime/parsers/markdown_table.hpp"

namespace millrace::parsers {

class odf_table_reader {
 public:
  /// Columns beyond this one, the last of a spreadsheet, are not read.
  static constexpr std::size_t max_columns = 16'384;
  /// Cells of a document, with the blank ones between them and each repetition; over it
  /// limit_exceeded.
  static constexpr std::uint64_t max_cells = 10'000'000;

  using cell_reader = std::function<std::string(const pugi::xml_node& cell)>;
  /// A row up to its last cell with text; blank rows come as one without cells.
  using row_sink = std::function<void(table_row& row)>;

  odf_table_reader(std::uint32_t max_depth, cell_reader cell, row_sink row)
      : max_depth_{max_depth}, cell_{std::move(cell)}, row_{std::move(row)} {}

  /// A cell that spans rows is repeated in each, so that a row can be understood alone; one that
  /// spans columns leaves the others empty.
  void read(const pugi::xml_node& table);

 private:
  struct spanning {
    std::uint64_t rows_left;
    std::string text;
  };
  void read_rows(const pugi::xml_node& parent, std::uint32_t depth);
  void read_row(const pugi::xml_node& row);
  void count(std::uint64_t cells);

  std::uint32_t max_depth_;
  cell_reader cell_;
  row_sink row_;
  std::map<std::size_t, spanning> from_above_;  ///< By column.
  std::uint64_t cells_ = 0;
};

}  // namespace millrace::parsers
