// The node's own row in `nodes`: registered at start under a fresh incarnation, renewed by
// heartbeats, marked stopped at the end. What the cluster knows of a node is this row, by the
// database's clock.
//
// Thread-safe; blocks.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

struct node_registration {
  std::string name;
  std::string address;  ///< "HOST:PORT" of the cluster link; empty where the node has none.
  std::vector<std::string> roles;
  int capacity = 0;  ///< Document slots.
  std::string version;
  int protocol = 0;          ///< Of the messages between nodes.
  std::string link_id = {};  ///< CAF's name of the process; empty where the node has no link.
};

enum class node_state : std::uint8_t { running, draining, stopped };

/// A node without a heartbeat for so long is dead: its leases are reaped (database.md 4).
constexpr duration heartbeat_timeout = std::chrono::seconds{15};

/// …and where the link to it is lost, after this.
constexpr duration suspect_timeout = std::chrono::seconds{3};

/// Another node of the cluster, as its row says.
struct node_row {
  std::string name;
  std::int64_t incarnation = 0;
  std::string address;
  std::string version;
  int protocol = 0;
};

class node_registry {
 public:
  node_registry(connection_pool& pool, node_registration self)
      : pool_{pool}, self_{std::move(self)} {}

  /// invalid_config where the database belongs to a cluster of another name; the first node of a
  /// new database names it.
  result<void> enter_cluster(const std::string& cluster);
  /// A live node whose row stands in the way: one of the same name at another address, or of
  /// another name and the same link id.
  result<std::optional<node_row>> rival();
  /// True as soon as the node of that row beats again; false where it did not for `patience`.
  result<bool> beats(const node_row& of, duration patience);
  /// Writes the row and returns the new incarnation.
  result<std::int64_t> join();
  /// Renews the row and returns the other live nodes that have an address, at most max_peers.
  /// stale_token where a newer incarnation of the same name has taken over: this process must stop.
  result<std::vector<node_row>> heartbeat(std::int64_t incarnation, node_state state);
  static constexpr int max_peers = 1'000;
  /// Marks the row stopped and keeps what GET /v1/actors last said, for those who ask afterwards.
  result<void> leave(std::int64_t incarnation, const std::string& actors_json);

  const node_registration& self() const { return self_; }

 private:
  connection_pool& pool_;
  node_registration self_;
};

/// A live node on another machine, which would look for `file:///PATH` on its own disk.
result<std::optional<std::string>> distant_node(connection_pool& pool);
/// [{"node","state","roles",…,"heartbeat_age_seconds"}]: at most max_shown_nodes, those that live
/// first. `state` is node_state's, or "lost" for a node without recent heartbeats.
result<std::string> nodes_json(connection_pool& pool);
inline constexpr int max_shown_nodes = 1'000;
/// The state of one node, or nothing if no node has that name.
result<std::optional<std::string>> node_state_of(connection_pool& pool, const std::string& name);
/// The number of nodes by state.
result<std::map<std::string, std::int64_t>> nodes_by_state(connection_pool& pool);
struct role_holders {
  bool any = false;          ///< A live node has the role.
  std::string other_leader;  ///< The live node that leads it, if that is not `self`.
};
/// Who has a singleton role, as seen by the node `self`.
result<role_holders> holders_of(connection_pool& pool, const std::string& role,
                                const std::string& self);
/// Removes the rows of nodes that have been gone for gone_age and hold nothing; returns their
/// number.
result<std::int64_t> remove_gone_nodes(connection_pool& pool);
inline constexpr std::chrono::hours gone_age{7 * 24};
/// {"cluster","documents_ended"}: its name (null before its first node), and how many documents of
/// all datasets are ready or failed.
result<std::string> cluster_json(connection_pool& pool);
/// The actors of the node that stopped last, as `leave` kept them; "[]" if there is none.
result<std::string> last_actors_json(connection_pool& pool);

}  // namespace millrace
