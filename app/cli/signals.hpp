// SIGINT and SIGTERM as values that the main thread looks for; blocked in every other thread.
#pragma once

#include <chrono>

namespace millrace::cli {

/// Call before any thread is started. SIGPIPE is ignored.
void block_stop_signals();
/// Waits at most `patience`. The number of the signal that came, or 0.
int wait_for_stop_signal(std::chrono::milliseconds patience);

}  // namespace millrace::cli
