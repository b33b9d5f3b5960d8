// Several nodes of one cluster on this machine, on one database that the test holds.
//
// For GoogleTest's main thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/cluster/private_network.hpp"
#include "tests/faults/fault_bed.hpp"
#include "tests/integration/live_node.hpp"
#include "tests/support/free_port.hpp"

namespace millrace {

struct bed_options {
  int documents = 0;
  std::chrono::milliseconds latency{20};  ///< Of each document at the embedding server.
  int concurrency = 8;                    ///< Documents that a node works on at a time.
  std::vector<std::string> names = {"a", "b", "c"};
  bool shared = true;     ///< sources.shared
  std::string rest = {};  ///< More tables of the config.
  std::string cluster = "name = \"test\"\n";
  std::map<std::string, std::string> roles = {};  ///< By node, as TOML's list; else all.
  private_network* network = nullptr;             ///< Each node on a host of its own, of its name.
  bool remote_database = false;                   ///< With a network: it is at the hub, by TCP.
  bool by_url = false;  ///< Nodes are given the database's URL and see no process of it.
};

/// With certificates below `certs`, a NODE.pem and NODE.key each.
bed_options with_tls(const std::filesystem::path& certs, bed_options o);

class cluster_bed : public fault_bed {
 public:
  explicit cluster_bed(bed_options o);

  /// Starts a node of the file, or a newcomer with `more` words, and waits until it is ready.
  /// `before`: words before millrace's own, such as those of unshare.
  live_node& start(const std::string& name, const std::vector<std::string>& more = {},
                   const std::vector<std::string>& before = {});
  void start_all();
  /// `millrace node --name NAME …` that must end by itself.
  outcome refused(const std::vector<std::string>& words) const;
  live_node& node(const std::string& name) const { return *nodes_.at(name); }
  bool runs(const std::string& name) const { return nodes_.contains(name); }
  /// What a node says of its own actors, wherever its API listens.
  rapidjson::Document actors(const std::string& name) const;
  std::size_t slots() const { return static_cast<std::size_t>(options_.concurrency); }
  /// SIGKILL.
  void kill(const std::string& name);
  /// Every node of these names sees all the others.
  bool linked(const std::vector<std::string>& names) const;
  /// Waits until a reaper leads and trusts the heartbeats of suspects: it must have seen the
  /// database for 5 s.
  bool settled() const;
  /// Of how many documents a node holds the lease.
  std::int64_t leases_of(const std::string& name) const;
  /// How many documents its document actors carry.
  std::size_t documents_at_work(const std::string& name) const;
  /// Submits the corner's documents at a node, as the dataset `d`; throws when they are not taken.
  void submit(const std::string& at, const std::string& dataset = "d") const;
  bool is_ready(const std::string& dataset = "d") const;
  bool ended(const std::string& dataset = "d", std::chrono::seconds limit = patience) const;
  /// Documents of which a node committed the result.
  std::int64_t done_by(const std::string& name) const;
  std::string leader(const std::string& role) const;
  /// Sends SIGTERM to all, and expects that they end well.
  void stop_all();

  std::map<std::string, int> ports;  ///< Of the links, by node.

 private:
  void write_config();

  bed_options options_;
  std::map<std::string, std::unique_ptr<live_node>> nodes_;
};

}  // namespace millrace
