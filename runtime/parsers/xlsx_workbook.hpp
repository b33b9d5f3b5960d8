// What the sheets of an Excel workbook share: their names and order, texts, number formats and the
// date system. One document, one thread. Texts are bounded by parse_limits::max_text_bytes, cells
// by max_cells of all sheets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/number_format.hpp"
#include "runtime/parsers/ooxml_package.hpp"
#include "runtime/parsers/parse.hpp"

namespace millrace::parsers {

class xlsx_workbook {
 public:
  struct sheet {
    std::string name;
    std::string part;
  };

  /// Throws malformed_document where the workbook's list of sheets cannot be read.
  xlsx_workbook(ooxml_package& package, const parse_limits& limits);

  const std::vector<sheet>& sheets() const { return sheets_; }
  const relationship_map& relationships() const { return relationships_; }
  /// Empty where there is no such text.
  std::string_view shared_text(std::size_t index) const;
  /// The format of a cell's style; General where there is no such style.
  const number_format& format_of(std::size_t style) const;
  date_system dates() const { return dates_; }
  const parse_limits& limits() const { return limits_; }

 private:
  void read_styles(ooxml_package& package);
  void read_texts(ooxml_package& package);

  const parse_limits& limits_;
  relationship_map relationships_;
  std::vector<sheet> sheets_;
  date_system dates_ = date_system::from_1900;
  std::string texts_;                   ///< All shared texts, one behind the other.
  std::vector<std::size_t> text_ends_;  ///< Where each ends.
  std::vector<number_format> formats_;  ///< Those in use, each once.
  std::vector<std::size_t> of_style_;   ///< Index in formats_ by style.
  number_format general_;
};

}  // namespace millrace::parsers
