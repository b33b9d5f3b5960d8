// The supervisor: starts the actors of the node's roles, restarts the dead with backoff and tells
// the others whom to talk to now, starts and ends singletons as leadership comes and goes, drains.
// More than restart.intensity deaths in restart.period are told to the node (on_fatal), which
// drains and exits non-zero.
//
// Scheduled; never blocks. Its children are a fixed set: one slot each.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/committer.hpp"
#include "actors/document.hpp"
#include "actors/embedder.hpp"
#include "actors/file_fetcher.hpp"
#include "actors/file_reader.hpp"
#include "actors/image.hpp"
#include "actors/image_desk.hpp"
#include "actors/ledger.hpp"
#include "actors/ledger_orders.hpp"
#include "actors/membership.hpp"
#include "actors/peers.hpp"
#include "actors/queue_puller.hpp"
#include "actors/role_choice.hpp"
#include "actors/status_aggregator.hpp"
#include "config/settings.hpp"
#include "runtime/flow/restart_policy.hpp"

namespace millrace {

/// What the actors of a node stand on; outlives them.
struct engine_parts {
  settings config;
  std::vector<std::string> roles = {"all"};  ///< Of this node; the others are other nodes'.
  std::shared_ptr<actor_directory> directory;
  std::shared_ptr<metrics> counters;
  connection_pool* pool = nullptr;
  std::shared_ptr<node_registry> registry;
  std::int64_t incarnation = 0;
  std::shared_ptr<queue> source;
  std::shared_ptr<lease_book> book;
  std::shared_ptr<embedding_provider> provider;
  keep_checkpoints checkpoints;
  start_computing compute = nullptr;  ///< See document_config.
  extract_document extract;
  read_image read;  ///< Empty: images are not read by this node.
  write_group write;
  std::function<std::optional<std::string>()> storage_problem;
  /// The links to other nodes; port 0: this node has none.
  peers_config link = {};
  std::shared_ptr<submitted_files> files = nullptr;  ///< Set where there is a link.
  /// See queue_puller_config.
  std::function<bool()> claims_held = [] { return false; };
  /// Told when this node begins or ends to lead the role `reaper`: it then maintains the queue's
  /// tables too. Must not block.
  std::function<void(bool leads)> maintain_queue = [](bool) {};
  /// Told whether a ledger is known that takes orders, this node's or another's, as that changes.
  /// Must not block.
  std::function<void(bool leads)> ledger_leads = [](bool) {};
  /// See ledger_orders.
  duration order_limit = ledger_orders::default_limit;
  /// Called once, from an actor's thread, when the node cannot go on; must not block.
  std::function<void(std::string reason)> on_fatal;
  /// False in tests on CAF's deterministic scheduler, where everything runs on one thread.
  bool detach_blocking = true;
};

class supervisor_actor_impl : public bounded_actor<supervisor_actor> {
 public:
  supervisor_actor_impl(caf::actor_config& config, actor_place place, engine_parts parts);
  behavior_type make_behavior() override;
  /// Ends the children.
  void on_exit() override;

 private:
  enum class role : std::uint8_t {
    membership,
    queue_puller,
    document,
    image,
    image_desk,
    embedder,
    committer,
    ledger,
    status,
    peers,
    file_reader,
    file_fetcher
  };

  struct child {
    role kind;
    std::uint64_t restarts = 0;
    std::uint64_t actor_id = 0;  ///< 0: not running.
  };

  bool has(std::string_view name) const;
  void start_all();
  void start(std::size_t slot);
  void start_embedder(std::size_t slot);
  void start_committer(std::size_t slot);
  void start_image(std::size_t slot);
  void start_image_desk(std::size_t slot);
  template <class Impl, class Config>
  auto spawn_child(std::size_t slot, const char* name, int limit, Config config, bool blocks);
  std::shared_ptr<lease_book> book() const;
  std::vector<std::string> singletons() const;
  /// What besides a chunk's text decides its embedding.
  std::string embedding_identity() const;
  void on_down(const caf::down_msg& down);
  void on_leadership(const leadership_changed& change);
  void on_peers(const peers_changed& message);
  /// Tells the puller whose files can be had: the others' that offer them, and this node's.
  void tell_sources();
  void announce();
  void announce_image_roles();
  std::vector<queue_puller_actor> dependents() const;
  /// Tells the others what this node does for them.
  void offer();
  caf::result<drain_progress> progress();
  bool runs(role kind) const;
  void end_child(role kind);
  void fatal(const std::string& reason);
  template <class Order>
  caf::result<ledger::receipt> order_of_ledger(const Order& order);
  ledger_actor leading_ledger() const;
  void tell_orders();

  engine_parts parts_;
  restart_policy policy_;
  std::vector<child> children_;
  use_roles roles_;  ///< Of this node only.
  role_choice choice_;
  std::vector<document_actor> documents_;
  std::vector<image_actor> images_;
  membership_actor membership_;
  ledger_actor ledger_;
  status_aggregator_actor status_;
  std::optional<leader_term> ledger_term_;
  std::optional<leader_term> status_term_;
  peers_actor peers_;
  file_reader_actor reader_;
  peers_changed others_;  ///< What other nodes offer.
  suspects_changed suspects_;
  ledger_orders orders_;
  bool ledger_leads_ = false;  ///< As last told.
  bool draining_ = false;
  std::uint64_t released_ = 0;  ///< By documents, at a drain's end; where this node has no puller.
  bool failed_ = false;
};

supervisor_actor spawn_supervisor(caf::actor_system& system, engine_parts parts);

}  // namespace millrace
