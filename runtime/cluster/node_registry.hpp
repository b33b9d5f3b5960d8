// The node's own row in `nodes`: registered at start under a fresh incarnation, renewed by
// heartbeats, marked stopped at the end. What the cluster knows of a node is this row, by the
// database's clock.
//
// Thread-safe; blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

struct node_registration {
  std::string name;
  std::string address;  ///< "HOST:PORT" of the cluster link; empty where the node has none.
  std::vector<std::string> roles;
  int capacity = 0;  ///< Document slots.
  std::string version;
};

enum class node_state : std::uint8_t { running, draining, stopped };

class node_registry {
 public:
  node_registry(connection_pool& pool, node_registration self)
      : pool_{pool}, self_{std::move(self)} {}

  /// Writes the row and returns the new incarnation.
  result<std::int64_t> join();
  /// stale_token where a newer incarnation of the same name has taken over: this process must stop.
  result<void> heartbeat(std::int64_t incarnation, node_state state);
  /// Marks the row stopped and keeps what GET /v1/actors last said, for those who ask afterwards.
  result<void> leave(std::int64_t incarnation, const std::string& actors_json);

  const node_registration& self() const { return self_; }

 private:
  connection_pool& pool_;
  node_registration self_;
};

/// [{"node","state","roles",…,"heartbeat_age_seconds"}]
result<std::string> nodes_json(connection_pool& pool);
/// The actors of the node that stopped last, as `leave` kept them; "[]" where there is none.
result<std::string> last_actors_json(connection_pool& pool);

}  // namespace millrace
