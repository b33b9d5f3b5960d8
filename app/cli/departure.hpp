// How the process of a node ends: it drains, closes what it opened, and goes. A second stop signal
// ends it at once, and so does the time that all of this may take: what was not committed is safe
// in the queue.
#pragma once

#include <chrono>

#include "app/node/node.hpp"

namespace millrace::cli {

inline constexpr int interrupted_exit = 130;  ///< 128 + SIGINT, as shells say it.
/// What a node may take beside drain.timeout until it is closed; then its process ends without.
inline constexpr std::chrono::seconds leave_limit{15};

/// Drains and closes the node. Ends the process on a stop signal (interrupted_exit) or after
/// drain.timeout and leave_limit (exit::error).
drain_outcome end_node(node& n);

}  // namespace millrace::cli
