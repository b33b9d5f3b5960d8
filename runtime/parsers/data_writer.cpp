#include "runtime/parsers/data_writer.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <utility>

#include "runtime/parsers/table_cutter.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// A longer value is a paragraph of its own.
constexpr std::size_t max_line_value_bytes = 300;
/// An object inside an object with more members gets a heading.
constexpr std::uint32_t max_members_on_lines = 12;
/// Lines of one object are cut into paragraphs of about this size.
constexpr std::size_t max_lines_bytes = 16 * 1024;
/// An element of an array with more values, inner ones included, is a part with a heading.
constexpr std::size_t max_record_values = 100;
constexpr std::size_t max_columns = 40;
/// Of hundred cells of a table, this many must be filled, else its records differ too much.
constexpr std::size_t min_filled_percent = 40;
/// Texts are read better outside of tables.
constexpr std::size_t max_mean_cell_bytes = 100;
/// Shorter elements of a list are no texts of their own.
constexpr std::size_t max_packed_bytes = 30;

std::string dotted(std::string_view name, std::string_view key) {
  std::string out{name};
  if (!name.empty() && !key.empty()) out.push_back('.');
  return out.append(key);
}

}  // namespace

void data_writer::write_document(std::string_view name) {
  if (tree_.empty()) return;
  if (!name.empty()) {
    out_.add(element_kind::heading, name, heading_level_);
    ++heading_level_;
  }
  write(0, 0);
  flush();
}

void data_writer::write_record() {
  if (tree_.empty()) return;
  add_dotted({}, 0, 0);
  out_.add(element_kind::paragraph, std::exchange(lines_, {}));
}

void data_writer::write(std::uint32_t node, std::uint32_t depth) {
  const auto& n = tree_.at(node);
  if (depth >= out_.limits().max_depth) {
    flush();
    out_.add(element_kind::paragraph, values_below(node));
  } else if (n.kind == data_kind::object) {
    write_object(node, depth + 1);
  } else if (n.kind == data_kind::array) {
    write_array(node, depth + 1);
  } else {
    add_line({}, n.text);
  }
}

void data_writer::write_object(std::uint32_t node, std::uint32_t depth) {
  // What has no heading comes first: below one it would seem to belong to it.
  tree_.all_children(node, [&](std::uint32_t child) {
    if (fits_on_lines(child)) add_lines(std::string{tree_.at(child).key}, child);
    return true;
  });
  flush();
  tree_.all_children(node, [&](std::uint32_t child) {
    if (!fits_on_lines(child)) write_part(tree_.at(child).key, child, depth);
    return true;
  });
}

void data_writer::write_array(std::uint32_t node, std::uint32_t depth) {
  flush();
  if (write_table(node)) return;
  std::size_t number = 0;
  tree_.all_children(node, [&](std::uint32_t child) {
    ++number;
    const auto& n = tree_.at(child);
    if (n.kind == data_kind::scalar) {
      add_item(n.text);
    } else if (is_short_list(child)) {
      add_line({}, joined(child));
    } else if (n.kind == data_kind::array) {
      write(child, depth);
    } else if (is_small(child)) {
      add_dotted({}, child, depth);
      flush();
    } else {
      write_part(label(child, number), child, depth);
    }
    return true;
  });
  flush();
}

/// Numbers and words of a long list stand together, texts apart.
void data_writer::add_item(std::string_view text) {
  if (text.size() > max_packed_bytes) {
    flush();
    out_.add(element_kind::list_item, text, 1);
    return;
  }
  if (lines_.size() > max_lines_bytes) flush();
  if (!lines_.empty() && !text.empty()) lines_ += ", ";
  lines_.append(text);
}

void data_writer::write_part(std::string_view name, std::uint32_t node, std::uint32_t depth) {
  if (tree_.at(node).children == 0) return;
  const auto level = heading_level_;
  out_.add(element_kind::heading, name, level);
  heading_level_ = std::min<std::uint8_t>(static_cast<std::uint8_t>(level + 1), deepest_heading);
  write(node, depth);
  flush();
  heading_level_ = level;
}

/// True where the array's elements are records of one shape, which are then written as a table.
bool data_writer::write_table(std::uint32_t node) {
  if (tree_.at(node).children < 2) return false;
  std::map<std::string, std::size_t, std::less<>> columns;
  table_row header;
  std::size_t cells = 0;
  std::size_t bytes = 0;
  // Members of small objects in a record are columns as well.
  const std::function<bool(const std::string&, std::uint32_t, table_row*)> read_record =
      [&](const std::string& name, std::uint32_t object, table_row* row) {
        return tree_.all_children(object, [&](std::uint32_t child) {
          const auto& member = tree_.at(child);
          const auto key = dotted(name, member.key);
          if (!fits_on_lines(child)) return false;
          if (member.kind == data_kind::object) return read_record(key, child, row);
          if (row != nullptr) {
            (*row)[columns.at(key)] = joined(child);
            return true;
          }
          if (columns.emplace(key, header.size()).second) header.push_back(key);
          ++cells;
          bytes += member.kind == data_kind::scalar ? member.text.size() : joined(child).size();
          return header.size() <= max_columns;
        });
      };
  const bool regular = tree_.all_children(node, [&](std::uint32_t child) {
    return tree_.at(child).kind == data_kind::object && read_record({}, child, nullptr);
  });
  if (!regular || cells == 0 || bytes > cells * max_mean_cell_bytes ||
      cells * 100 < header.size() * tree_.at(node).children * min_filled_percent)
    return false;
  table_cutter table{out_};
  const auto width = header.size();
  table.add(header);
  tree_.all_children(node, [&](std::uint32_t child) {
    table_row row(width);
    read_record({}, child, &row);
    table.add(row);
    return true;
  });
  table.flush();
  return true;
}

void data_writer::add_lines(const std::string& name, std::uint32_t node) {
  const auto& n = tree_.at(node);
  if (n.kind != data_kind::object) return add_line(name, joined(node));
  tree_.all_children(node, [&](std::uint32_t child) {
    add_lines(dotted(name, tree_.at(child).key), child);
    return true;
  });
}

void data_writer::add_dotted(const std::string& name, std::uint32_t node, std::uint32_t depth) {
  const auto& n = tree_.at(node);
  if (n.kind == data_kind::scalar || is_short_list(node)) return append_line(name, joined(node));
  if (depth >= out_.limits().max_depth) return append_line(name, values_below(node));
  std::size_t number = 0;
  tree_.all_children(node, [&](std::uint32_t child) {
    ++number;
    const auto& key = tree_.at(child).key;
    add_dotted(dotted(name, n.kind == data_kind::array ? std::to_string(number) : std::string{key}),
               child, depth + 1);
    return true;
  });
}

void data_writer::add_line(std::string_view name, std::string_view value) {
  const bool is_long =
      value.size() > max_line_value_bytes || value.find('\n') != std::string_view::npos;
  if (is_long || lines_.size() > max_lines_bytes) flush();
  append_line(name, value);
  if (is_long) flush();
}

void data_writer::append_line(std::string_view name, std::string_view value) {
  const auto text = trim(value);
  if (text.empty()) return;
  if (!lines_.empty()) lines_.push_back('\n');
  if (!name.empty()) lines_.append(name).append(": ");
  lines_.append(text);
}

void data_writer::flush() {
  if (!lines_.empty()) out_.add(element_kind::paragraph, std::exchange(lines_, {}));
}

bool data_writer::is_short_list(std::uint32_t node) const {
  if (tree_.at(node).kind != data_kind::array) return false;
  std::size_t bytes = 0;
  return tree_.all_children(node, [&](std::uint32_t c) {
    bytes += tree_.at(c).text.size() + 2;
    return tree_.at(c).kind == data_kind::scalar && bytes <= max_line_value_bytes;
  });
}

/// True for few values, however they are nested.
bool data_writer::is_small(std::uint32_t node) const {
  std::size_t values = 0;
  std::vector<std::uint32_t> open{node};
  while (!open.empty() && values <= max_record_values) {
    const auto at = open.back();
    open.pop_back();
    const auto& n = tree_.at(at);
    if (at != node && n.next != 0) open.push_back(n.next);
    if (n.first_child != 0) open.push_back(n.first_child);
    ++values;
  }
  return values <= max_record_values;
}

bool data_writer::fits_on_lines(std::uint32_t node) const {
  const auto& n = tree_.at(node);
  if (n.kind == data_kind::scalar || is_short_list(node)) return true;
  return n.kind == data_kind::object && n.children <= max_members_on_lines &&
         tree_.all_children(node, [&](std::uint32_t c) {
           return tree_.at(c).kind == data_kind::scalar || is_short_list(c);
         });
}

std::string data_writer::joined(std::uint32_t node) const {
  if (tree_.at(node).kind == data_kind::scalar) return std::string{tree_.at(node).text};
  std::string out;
  tree_.all_children(node, [&](std::uint32_t child) {
    const auto text = tree_.at(child).text;
    if (!text.empty() && !out.empty()) out += ", ";
    out.append(text);
    return true;
  });
  return out;
}

std::string data_writer::values_below(std::uint32_t node) const {
  std::string out;
  std::vector<std::uint32_t> open{node};
  while (!open.empty()) {
    const auto at = open.back();
    open.pop_back();
    const auto& n = tree_.at(at);
    if (at != node && n.next != 0) open.push_back(n.next);
    if (n.first_child != 0) open.push_back(n.first_child);
    if (n.text.empty()) continue;
    if (!out.empty()) out.push_back(' ');
    out.append(n.text);
  }
  return out;
}

std::string data_writer::label(std::uint32_t node, std::size_t number) const {
  constexpr std::size_t max_label_bytes = 100;
  constexpr std::array<std::string_view, 5> names{"title", "name", "label", "subject", "id"};
  for (const auto name : names) {
    std::string_view found;
    tree_.all_children(node, [&](std::uint32_t child) {
      const auto& n = tree_.at(child);
      const bool is_it = n.kind == data_kind::scalar && equals_ignoring_case(n.key, name) &&
                         !n.text.empty() && n.text.size() <= max_label_bytes;
      if (is_it) found = n.text;
      return !is_it;
    });
    if (!found.empty()) return std::string{found};
  }
  return std::to_string(number);
}

}  // namespace millrace::parsers
