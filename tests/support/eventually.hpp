// Waits in a test for what another thread or process does.
#pragma once

#include <chrono>
#include <thread>

namespace millrace {

/// Long enough that only a hang reaches it.
constexpr std::chrono::minutes eventually_limit{1};

/// Asks until `condition` holds; false if it does not within the limit.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + eventually_limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace millrace
