#include "app/node/local_api.hpp"

#include <spdlog/spdlog.h>

#include "runtime/threads/guarded.hpp"

namespace millrace {

local_api::local_api(http::server_config config, http::handler handle)
    : config_{std::move(config)}, handle_{std::move(handle)} {}

result<std::unique_ptr<local_api>> local_api::start(http::server_config config,
                                                    http::handler handle) {
  std::unique_ptr<local_api> api{new local_api{std::move(config), std::move(handle)}};
  const auto listens = api->listen();
  if (!listens) return tl::unexpected<error>(listens.error());
  if (!*listens)
    api->thread_ = runtime_thread{
        "local api", [a = api.get()](const std::stop_token& ended) { a->wait_for_turn(ended); }};
  return api;
}

std::optional<std::string> local_api::address() const {
  return listens_ ? std::optional{server_->address()} : std::nullopt;
}

result<bool> local_api::listen() {
  auto started = http::server::start(config_, handle_);
  if (!started && started.error().code == ec::port_taken) return false;
  if (!started) return tl::unexpected<error>(started.error());
  server_ = std::move(*started);
  listens_ = true;
  return true;
}

void local_api::wait_for_turn(const std::stop_token& ended) {
  std::optional<error> told;
  while (!ended.stop_requested() && !listens_) {
    {
      std::unique_lock lock{mutex_};
      ends_.wait_for(lock, ended, look_interval, [] { return false; });
    }
    if (ended.stop_requested()) return;
    const auto listens = guarded("local api", [this] { return listen(); });
    if (listens && *listens)
      spdlog::info("commands in this data directory find this node now: at {}", server_->address());
    if (!listens && !std::exchange(told, listens.error()))
      spdlog::warn("commands in this data directory find no node: {}", listens.error().message);
  }
}

}  // namespace millrace
