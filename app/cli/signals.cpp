#include "app/cli/signals.hpp"

#include <ctime>

#include <signal.h>

namespace millrace::cli {

namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

void block_stop_signals() {
  const auto set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int wait_for_stop_signal(std::chrono::milliseconds patience) {
  const auto set = stop_signals();
  const timespec limit{patience.count() / 1000, (patience.count() % 1000) * 1'000'000};
  const int caught = sigtimedwait(&set, nullptr, &limit);
  return caught > 0 ? caught : 0;
}

}  // namespace millrace::cli
