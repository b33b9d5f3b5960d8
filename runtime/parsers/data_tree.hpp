// Data of any shape as one tree: what a JSON text or an XML file without prose says. Nodes lie in
// one array and refer to each other by number, so that nesting can exhaust no stack, neither when
// the tree is read nor when it goes. One document, one thread. Bounded by max_nodes.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

namespace millrace::parsers {

enum class data_kind : std::uint8_t { scalar, object, array };

struct data_node {
  std::string_view key;   ///< Empty for elements of an array.
  std::string_view text;  ///< Of a scalar; empty for null.
  std::uint32_t first_child = 0;
  std::uint32_t last_child = 0;
  std::uint32_t next = 0;  ///< Sibling; 0 where there is none.
  std::uint32_t children = 0;
  data_kind kind = data_kind::scalar;
};

class data_tree {
 public:
  /// 56 bytes each.
  static constexpr std::size_t max_nodes = 20'000'000;
  static constexpr std::uint32_t no_parent = UINT32_MAX;

  /// The first node added is the root and has no parent. `key` and `text` live as long as the tree.
  /// Throws limit_exceeded over max_nodes.
  std::uint32_t add(std::uint32_t parent, data_kind kind, std::string_view key,
                    std::string_view text = {});
  /// A copy of `text` that lives as long as the tree.
  std::string_view keep(std::string_view text);

  bool empty() const { return nodes_.empty(); }
  const data_node& at(std::uint32_t node) const { return nodes_[node]; }
  void set_kind(std::uint32_t node, data_kind kind) { nodes_[node].kind = kind; }
  void set_text(std::uint32_t node, std::string_view text) { nodes_[node].text = text; }

  /// Calls `visit(child)` for each child in order, while it returns true.
  template <class Visit>
  bool all_children(std::uint32_t node, const Visit& visit) const {
    for (auto child = nodes_[node].first_child; child != 0; child = nodes_[child].next)
      if (!visit(child)) return false;
    return true;
  }

 private:
  std::vector<data_node> nodes_;
  std::pmr::monotonic_buffer_resource texts_;
};

}  // namespace millrace::parsers
