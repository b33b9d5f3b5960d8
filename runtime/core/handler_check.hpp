// A scheduled handler must be short: there are as many scheduler threads as cores, and while it
// runs, heartbeats between nodes, the committer and the supervisor wait for its thread. Debug
// builds, and any build with MILLRACE_CHECK_BLOCKING in its environment, name the ones that are not
// in the log (actors/bounded_actor.hpp).
#pragma once

#include <chrono>
#include <cstdlib>

namespace millrace {

inline constexpr std::chrono::milliseconds longest_handler{50};

/// Asked for handlers that were too long only.
inline bool handlers_are_checked() noexcept {
#ifdef MILLRACE_CHECK_BLOCKING
  return true;
#else
  return std::getenv("MILLRACE_CHECK_BLOCKING") != nullptr;
#endif
}

}  // namespace millrace
