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

/// `name` and `listen` as given on the command line, empty where they were not.
result<node_choice> choose_node(const settings& s, const std::string& name,
                                const std::string& listen);

}  // namespace millrace::cli
