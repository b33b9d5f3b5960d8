#include "app/cli/departure.hpp"

#include <cstdio>

#include "app/cli/commands.hpp"
#include "app/cli/signals.hpp"
#include "config/text_forms.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

void watch(node& n, duration limit, const std::stop_token& ended) {
  const auto latest = clock::now() + limit;
  while (!ended.stop_requested()) {
    if (wait_for_stop_signal(look_interval) != 0) {
      std::fputs("\nmillrace: leaving at once; nothing is lost\n", stderr);
      n.leave_at_once(interrupted_exit);
    }
    if (clock::now() < latest) continue;
    std::fputs("millrace: the node did not end in time; leaving at once; nothing is lost\n",
               stderr);
    n.leave_at_once(static_cast<int>(exit::error));
  }
}

}  // namespace

drain_outcome end_node(node& n) {
  const auto limit = n.config().drain.timeout;
  const runtime_thread watcher{"departure", [&n, limit](const std::stop_token& ended) {
                                 watch(n, limit + leave_limit, ended);
                               }};
  const auto outcome = n.drain(limit);
  n.close();
  return outcome;
}

}  // namespace millrace::cli
