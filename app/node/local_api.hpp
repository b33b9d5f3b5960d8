// The API on a socket in the data directory, for commands with --data. Of the nodes on one data
// directory one listens there; the others look again and again and take its place once it has gone.
//
// Owns a thread while another node listens.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "runtime/http/server.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class local_api {
 public:
  /// A node that has gone is replaced within this time.
  static constexpr std::chrono::milliseconds look_interval{500};

  /// Errors: what server::start says, but for port_taken.
  static result<std::unique_ptr<local_api>> start(http::server_config config, http::handler handle);

  /// Where this node listens; nothing while another one does.
  std::optional<std::string> address() const;

 private:
  local_api(http::server_config config, http::handler handle);
  void wait_for_turn(const std::stop_token& ended);
  /// True where it listens now; false where another node does.
  result<bool> listen();

  http::server_config config_;
  http::handler handle_;
  std::unique_ptr<http::server> server_;  ///< Written once, before listens_.
  std::atomic<bool> listens_{false};
  std::mutex mutex_;
  std::condition_variable_any ends_;
  runtime_thread thread_;  ///< Last: ends before what it uses.
};

}  // namespace millrace
