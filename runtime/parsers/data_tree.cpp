#include "runtime/parsers/data_tree.hpp"

#include <algorithm>
#include <string>

#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

std::uint32_t data_tree::add(std::uint32_t parent, data_kind kind, std::string_view key,
                             std::string_view text) {
  if (nodes_.size() == max_nodes)
    throw parse_failure{ec::limit_exceeded, "the document holds more than " +
                                                std::to_string(max_nodes) +
                                                " values; split it into smaller documents"};
  const auto number = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({.key = key, .text = text, .kind = kind});
  if (parent == no_parent) return number;
  auto& above = nodes_[parent];
  if (above.children++ == 0)
    above.first_child = number;
  else
    nodes_[above.last_child].next = number;
  above.last_child = number;
  return number;
}

std::string_view data_tree::keep(std::string_view text) {
  if (text.empty()) return {};
  auto* copy = static_cast<char*>(texts_.allocate(text.size(), 1));
  std::copy(text.begin(), text.end(), copy);
  return {copy, text.size()};
}

}  // namespace millrace::parsers
