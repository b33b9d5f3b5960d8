// Which node of a config a process is: one of its [[node]] entries, or a newcomer that is not in
// the file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/cluster/link_port.hpp"
#include "runtime/core/error.hpp"

namespace millrace::cli {

struct node_choice {
  std::string name;
  std::optional<link_address> link;  ///< Nothing: no links to other nodes.
  std::string api;                   ///< Where its HTTP API listens; empty: nowhere.
  std::vector<std::string> roles = {"all"};
};

/// As given on the command line, empty where they were not.
struct node_words {
  std::string name;
  std::string listen;
  std::string api = {};
  std::vector<std::string> roles = {};
};

result<node_choice> choose_node(const settings& s, const node_words& words);

}  // namespace millrace::cli
