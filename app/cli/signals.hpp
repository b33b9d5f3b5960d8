// SIGINT and SIGTERM as values that the main thread looks for; blocked in every other thread.
#pragma once

#include <chrono>

namespace millrace::cli {

/// How often a command that waits for others in its process looks for a signal.
constexpr std::chrono::milliseconds look_interval{100};

/// Call before any thread is started. SIGPIPE is ignored.
void block_stop_signals();
/// Waits at most `patience`. The number of the signal that came, or 0.
int wait_for_stop_signal(std::chrono::milliseconds patience);
/// True where one has come.
inline bool stop_asked() {
  return wait_for_stop_signal(std::chrono::milliseconds{0}) != 0;
}

}  // namespace millrace::cli
