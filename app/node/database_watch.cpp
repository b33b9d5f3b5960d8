#include "app/node/database_watch.hpp"

#include <spdlog/spdlog.h>

#include "runtime/threads/guarded.hpp"

namespace millrace {

database_watch::database_watch(embedded_server& server, std::function<void(std::string)> lost)
    : server_{server},
      lost_{std::move(lost)},
      thread_{"database watch", [this](const std::stop_token& ended) { watch(ended); }} {}

void database_watch::watch(const std::stop_token& ended) {
  while (!ended.stop_requested()) {
    static_cast<void>(guarded("database watch", [this] { look(); }));
    std::unique_lock lock{mutex_};
    ends_.wait_for(lock, ended, look_interval, [] { return false; });
  }
}

void database_watch::look() {
  const auto runs = server_.runs();
  // Without a descriptor nothing can be said about the server, and nothing be started.
  const bool was_blind = std::exchange(blind_, !runs);
  if (!runs) {
    if (!was_blind)
      spdlog::warn("whether the embedded PostgreSQL runs cannot be seen: {}", runs.error().message);
    return;
  }
  if (*runs) {
    gone_ = false;
    look_at_holder_watch();
  } else if (!std::exchange(gone_, true)) {
    spdlog::warn("the embedded PostgreSQL has ended; see {}", server_.log().native());
  } else if (const auto started = server_.start_again(); started) {
    spdlog::info("the embedded PostgreSQL runs again");
  } else if (server_.in_place()) {
    spdlog::error("{}", started.error().message);
  } else {
    lost_(started.error().message);
  }
}

void database_watch::look_at_holder_watch() {
  const auto started = server_.start_missing_watch();
  const bool was_unwatched = std::exchange(unwatched_, !started);
  if (!started && !was_unwatched)
    spdlog::warn("if this node is killed, its PostgreSQL stays: its watch has ended, and {}",
                 started.error().message);
  else if (started && *started)
    spdlog::warn(
        "the watch that ends PostgreSQL should this node be killed had ended; another one "
        "runs");
}

}  // namespace millrace
