#include "app/node/database_watch.hpp"

#include <spdlog/spdlog.h>

namespace millrace {

database_watch::database_watch(embedded_server& server)
    : server_{server}, thread_{[this](const std::stop_token& ended) { watch(ended); }} {}

void database_watch::watch(const std::stop_token& ended) {
  bool gone = false;
  bool blind = false;
  while (!ended.stop_requested()) {
    const auto runs = server_.runs();
    // Without a descriptor nothing can be said about the server, and nothing be started.
    if (const bool was_blind = std::exchange(blind, !runs); blind) {
      if (!was_blind)
        spdlog::warn("whether the embedded PostgreSQL runs cannot be seen: {}",
                     runs.error().message);
    } else if (*runs)
      gone = false;
    else if (!std::exchange(gone, true))
      spdlog::warn("the embedded PostgreSQL has ended; see {}", server_.log().native());
    else if (const auto started = server_.start_again(); started)
      spdlog::info("the embedded PostgreSQL runs again");
    else
      spdlog::error("{}", started.error().message);
    std::unique_lock lock{mutex_};
    ends_.wait_for(lock, ended, look_interval, [] { return false; });
  }
}

}  // namespace millrace
