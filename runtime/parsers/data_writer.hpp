// Writes data of any shape as elements that can be searched: records of one shape as a table,
// members of an object as lines "key: value", larger parts under headings of their keys, long texts
// as paragraphs. One document, one thread.
//
// Below parse_limits::max_depth only the values are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/data_tree.hpp"
#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/markdown_table.hpp"

namespace millrace::parsers {

class data_writer {
 public:
  data_writer(const data_tree& tree, document_builder& out) : tree_{tree}, out_{out} {}

  /// `name` is what the whole is called, empty where it has no name.
  void write_document(std::string_view name = {});
  /// The whole tree as one paragraph, nested keys joined by dots.
  void write_record();

 private:
  void write(std::uint32_t node, std::uint32_t depth);
  void write_object(std::uint32_t node, std::uint32_t depth);
  void write_array(std::uint32_t node, std::uint32_t depth);
  bool write_table(std::uint32_t node);
  void write_part(std::string_view name, std::uint32_t node, std::uint32_t depth);
  /// Adds the lines of what fits on lines.
  void add_lines(const std::string& name, std::uint32_t node);
  void add_dotted(const std::string& name, std::uint32_t node, std::uint32_t depth);
  void add_item(std::string_view text);
  /// A long value becomes a paragraph of its own.
  void add_line(std::string_view name, std::string_view value);
  void append_line(std::string_view name, std::string_view value);
  void flush();

  bool is_short_list(std::uint32_t node) const;
  bool is_small(std::uint32_t node) const;
  bool fits_on_lines(std::uint32_t node) const;
  std::string joined(std::uint32_t node) const;
  std::string values_below(std::uint32_t node) const;
  /// A name for an element of an array, by its own name, title or number.
  std::string label(std::uint32_t node, std::size_t number) const;

  const data_tree& tree_;
  document_builder& out_;
  std::string lines_;
  std::uint8_t heading_level_ = 1;
};

}  // namespace millrace::parsers
