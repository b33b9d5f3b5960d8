// What a running node is made of, in the order in which it is opened. node_start.cpp opens it,
// node.cpp answers questions and closes it.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/link_transport.hpp"
#include "actors/supervisor.hpp"
#include "actors/system_config.hpp"
#include "app/api/api.hpp"
#include "app/node/database_watch.hpp"
#include "app/node/descriptor_budget.hpp"
#include "app/node/ledger_presence.hpp"
#include "app/node/local_api.hpp"
#include "app/node/node.hpp"
#include "app/node/node_drain.hpp"
#include "app/node/node_failure.hpp"
#include "app/node/node_name.hpp"
#include "app/node/node_uploads.hpp"
#include "runtime/checkpoints/checkpoint_thread.hpp"
#include "runtime/cluster/maintenance.hpp"
#include "runtime/commit/group_writer.hpp"
#include "runtime/core/blocking.hpp"
#include "runtime/datasets/progress.hpp"
#include "runtime/http/server.hpp"
#include "runtime/images/image_reader.hpp"
#include "runtime/queue/queue_gauge.hpp"
#include "runtime/queue/queue_listener.hpp"

namespace millrace {

/// How long a question to an actor of this process may take before the asker gives up.
constexpr auto ask_timeout = std::chrono::seconds{10};
/// …and an order of credits, which the supervisor answers within ledger_orders::default_limit.
constexpr auto order_timeout = ledger_orders::default_limit + std::chrono::seconds{2};

/// What was not answered in time may have been done all the same.
error unanswered(const caf::error& e);

/// Members end in reverse order: nothing is destroyed before what uses it.
struct node::impl {
  node_options options;
  database_access database;
  node_failure failure;
  std::unique_ptr<database_watch> database_guard;  ///< Null for a URL.
  node_name name;
  std::unique_ptr<connection_pool> pool;
  std::shared_ptr<metrics> counters = std::make_shared<metrics>();
  std::shared_ptr<embedding_stats> embeddings = std::make_shared<embedding_stats>();
  std::shared_ptr<compute_pool> compute = std::make_shared<compute_pool>();
  std::shared_ptr<embedding_provider> provider;
  std::unique_ptr<image_texts> read_before;
  std::unique_ptr<image_reader> images;
  std::unique_ptr<extractor_pool> extractors;
  std::shared_ptr<node_registry> registry;
  std::int64_t incarnation = 0;
  std::shared_ptr<queue> source;
  std::unique_ptr<queue_gauge> gauge;
  std::shared_ptr<lease_book> book = std::make_shared<lease_book>();
  std::unique_ptr<group_writer> writer;
  std::unique_ptr<checkpoint_thread> checkpoints;
  std::unique_ptr<maintenance> upkeep;
  std::unique_ptr<node_uploads> uploads;  ///< Null if uploads have no folder.
  std::shared_ptr<actor_directory> directory;
  std::unique_ptr<system_config> actor_config;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<link_transport> transport;  ///< Null: this node has no link.
  supervisor_actor supervisor;
  gate_actor gate;                     ///< What others dial.
  std::unique_ptr<node_drain> drains;  ///< Set while there is a supervisor.
  std::unique_ptr<queue_listener> listener;
  std::atomic<bool> claims_held{false};
  descriptor_budget descriptors;
  std::unique_ptr<ledger_presence> ledger;
  api_services services;
  http::router router;
  std::unique_ptr<local_api> beside_data;  ///< For commands on this machine; null for a URL.
  std::unique_ptr<http::server> api;       ///< On TCP.

  result<void> open();
  result<void> open_system();
  result<void> join_cluster();
  result<void> open_engine();
  void start_actors();
  peers_config link_config();
  result<std::string> answer(node_topic topic);
  std::unique_ptr<node_drain> make_drain();
  void make_services();
  result<void> start_api();
  std::vector<readiness_check> readiness();
  void close();

  /// A request from this process's threads to the supervisor.
  template <class Answer, class... Message>
  result<Answer> ask(Message&&... message) {
    return ask_within<Answer>(ask_timeout, std::forward<Message>(message)...);
  }
  template <class Answer, class... Message>
  result<Answer> ask_within(duration limit, Message&&... message) {
    assert_may_block("node::ask");
    caf::scoped_actor self{*system};
    result<Answer> outcome = fail(ec::internal, "no answer");
    self->request(supervisor, limit, std::forward<Message>(message)...)
        .receive([&](Answer& answer) { outcome = std::move(answer); },
                 [&](const caf::error& e) { outcome = tl::unexpected<error>(unanswered(e)); });
    return outcome;
  }
};

}  // namespace millrace
