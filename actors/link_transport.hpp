// CAF's connections to other nodes, over TLS sessions that were made and verified before CAF sees
// them (runtime/cluster/link_listener, link_session). CAF's own TLS gives every stranger a place
// among its connections, spins while one is silent and does not show whose certificate a node has.
//
//   dialled or admitted session → a scribe (CAF's end of a connection) → the BASP broker
//
// Made and destroyed by one thread, before and after all actors that use it; dial() blocks and is
// for any thread that may.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <caf/all.hpp>
#include <caf/io/scribe.hpp>

#include "actors/actors.hpp"
#include "runtime/cluster/link_certificates.hpp"
#include "runtime/cluster/link_listener.hpp"

namespace millrace {

/// Which node ids of CAF belong to which certificate, by the connections that are open now.
/// Thread-safe.
class certified_nodes {
 public:
  /// False if an open connection has that id and other names.
  bool add(const caf::node_id& id, const std::vector<std::string>& names);
  void remove(const caf::node_id& id);
  /// Whether the node with that id has shown a certificate of `name`.
  bool owns(const caf::node_id& id, const std::string& name) const;

 private:
  struct entry {
    caf::node_id id;
    std::vector<std::string> names;
    int connections = 0;
  };
  mutable std::mutex mutex_;
  std::vector<entry> open_;  ///< One per linked node.
};

class link_transport {
 public:
  /// From the TLS session to CAF's answer.
  static constexpr auto handshake_limit = std::chrono::seconds{5};

  link_transport(caf::actor_system& system, std::unique_ptr<link_certificates> certificates);
  ~link_transport();
  link_transport(const link_transport&) = delete;
  link_transport& operator=(const link_transport&) = delete;

  /// Whoever is let in at `at` gets the handle of `gate`. port_taken as link_listener::open.
  result<void> listen(const link_address& at, const gate_actor& gate);
  /// The gate of a node. Blocks for at most the limits of dial_link and handshake_limit.
  gate_dialled dial(const node_row& to);
  /// Whether the node of an actor has shown a certificate of `name`.
  bool owns(const caf::strong_actor_ptr& actor, const std::string& name) const;
  const link_certificates& certificates() const { return *certificates_; }
  /// No connection is accepted any more.
  void close();

 private:
  caf::io::scribe_ptr adopt(std::shared_ptr<link_session> session);

  caf::actor_system& system_;
  std::unique_ptr<link_certificates> certificates_;
  std::shared_ptr<certified_nodes> nodes_ = std::make_shared<certified_nodes>();
  caf::actor broker_;  ///< CAF's, for BASP.
  void watch(const std::shared_ptr<link_session>& session);

  std::mutex mutex_;  ///< Of what follows: dialling threads meet listen() and close().
  std::unique_ptr<link_listener> listener_;
  std::vector<std::weak_ptr<link_session>> dialled_early_;  ///< To be watched by the listener.
};

}  // namespace millrace
