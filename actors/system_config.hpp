// CAF's configuration, set in code: its own parser takes unknown keys and wrong types silently.
#pragma once

#include <optional>

#include <caf/all.hpp>

#include "config/settings.hpp"

namespace millrace {

/// How nodes notice that a link is dead: CAF's default is never.
constexpr auto link_heartbeat = std::chrono::milliseconds{500};
constexpr auto link_timeout = std::chrono::seconds{2};

class system_config : public caf::actor_system_config {
 public:
  /// Without links to other nodes.
  system_config();
  /// With them; link_transport makes their connections.
  struct with_links {};
  explicit system_config(with_links);
};

}  // namespace millrace
