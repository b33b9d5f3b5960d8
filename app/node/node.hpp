// A running node: the database it stands on, the extractor processes, the embedding provider, the
// actor system with its supervisor, and its HTTP API. `millrace run` and `millrace node` are both
// this.
//
// Used from one thread; the const functions from any. start() and the destructor block (seconds).
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/api/services.hpp"
#include "app/node/database_access.hpp"
#include "config/settings.hpp"
#include "runtime/cluster/link_port.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

struct node_options {
  settings config;
  std::string name;       ///< Empty: any that is free, as `run` needs it.
  std::string api_token;  ///< MILLRACE_TOKEN; needed off loopback.
  /// Claims begin with the first wake(): what a run finds unfinished it finishes after it has
  /// submitted, and its report counts it.
  bool begin_with_wake = false;
  bool listen_tcp = false;  ///< Else the API is only on a socket beside the embedded database's.
  std::vector<std::string> roles = {"all"};
  std::optional<link_address> link =
      {};  ///< Where the other nodes reach this one; nothing: no links.
  bool long_lived =
      false;  ///< It is a member of config.cluster.name, and refused in another's database.
};

struct drain_outcome {
  bool complete = false;       ///< False: the time-out came first.
  std::uint64_t released = 0;  ///< Documents that went back to the queue.
};

class node {
 public:
  static result<std::unique_ptr<node>> start(node_options options);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  connection_pool& pool();
  const settings& config() const;
  const embedding_provider& provider() const;
  /// "HOST:PORT" or "unix:PATH"; empty where the node has no API.
  std::string api_address() const;

  /// Something was submitted: the puller looks at once, and from now on.
  void wake();
  flow_state flow();
  /// What /readyz answers: nothing once all that it promises can be done. Blocks (SQL).
  std::optional<std::string> why_not_ready() const;
  /// Why the node cannot go on, once that is so.
  std::optional<std::string> failure() const;
  /// No new work; what runs ends, or goes back after `limit`.
  drain_outcome drain(duration limit);
  /// Ends all that the node began, but for its database; it can do nothing afterwards but be
  /// destroyed. Waits for statements that are under way (database.statement_timeout).
  void close();
  /// Ends the process within a moment, from any thread: nothing is lost, leases are freed by the
  /// next start.
  [[noreturn]] void leave_at_once(int exit_code);

 private:
  struct impl;
  explicit node(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// Where a live node of this embedded server answers the commands.
std::string api_socket(const embedded_server& server);

}  // namespace millrace
