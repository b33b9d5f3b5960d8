// CAF's configuration, set in code: its own parser takes unknown keys and wrong types silently.
#pragma once

#include <caf/all.hpp>

namespace millrace {

class system_config : public caf::actor_system_config {
 public:
  system_config();
};

}  // namespace millrace
