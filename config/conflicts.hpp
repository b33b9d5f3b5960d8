// What is wrong with settings that are each right: values that do not fit together.
//
// Pure; any thread may call it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"

namespace millrace {

struct settings_conflict {
  /// The keys it is about, the likeliest to blame first: "chunking.overlap_tokens", "node.1.port"
  /// for the second
  /// [[node]].
  std::vector<std::string> paths;
  std::string message;  ///< A sentence that names every value it is about and what to change.
};

/// The first conflict, in the order of the tables; nothing where the settings can work.
std::optional<settings_conflict> find_conflict(const settings& s);

}  // namespace millrace
