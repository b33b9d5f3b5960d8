#include "app/node/node.hpp"

#include <algorithm>

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include "actors/supervisor.hpp"
#include "actors/system_config.hpp"
#include "app/api/api.hpp"
#include "app/node/database_watch.hpp"
#include "app/node/descriptor_budget.hpp"
#include "app/node/leader_upkeep.hpp"
#include "app/node/ledger_presence.hpp"
#include "app/node/node_drain.hpp"
#include "app/node/node_failure.hpp"
#include "app/node/node_link.hpp"
#include "app/node/node_metrics.hpp"
#include "app/node/node_name.hpp"
#include "app/node/node_uploads.hpp"
#include "app/node/storage_space.hpp"
#include "app/version.hpp"
#include "runtime/checkpoints/checkpoint_thread.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/maintenance.hpp"
#include "runtime/commit/group_writer.hpp"
#include "runtime/core/blocking.hpp"
#include "runtime/core/open_files.hpp"
#include "runtime/datasets/progress.hpp"
#include "runtime/http/server.hpp"
#include "runtime/images/image_reader.hpp"
#include "runtime/images/ocr_data.hpp"
#include "runtime/queue/queue_listener.hpp"

namespace millrace {

namespace {

/// How long a question to an actor of this process may take before the asker gives up.
constexpr auto ask_timeout = std::chrono::seconds{10};
/// …and an order of credits, which the supervisor answers within ledger_orders::default_limit.
constexpr auto order_timeout = ledger_orders::default_limit + std::chrono::seconds{2};

/// What was not answered in time may have been done all the same.
error unanswered(const caf::error& e) {
  if (e != caf::sec::request_timeout) return from_caf(e);
  return {ec::timeout,
          "the node's actors did not answer in time; repeat it (an order of credits "
          "with the same idempotency key)"};
}

}  // namespace

std::string api_socket(const embedded_server& server) {
  return (server.socket_directory() / "api.sock").native();
}

/// Members end in reverse order: nothing is destroyed before what uses it.
struct node::impl {
  node_options options;
  database_access database;
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
  std::unique_ptr<node_uploads> uploads;  ///< Null: there is no folder for them.
  std::shared_ptr<actor_directory> directory;
  std::unique_ptr<system_config> actor_config;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<link_transport> transport;  ///< Null: this node has no link.
  supervisor_actor supervisor;
  gate_actor gate;                     ///< What others dial.
  std::unique_ptr<node_drain> drains;  ///< Set while there is a supervisor.
  std::unique_ptr<queue_listener> listener;
  std::atomic<bool> claims_held{false};
  node_failure failure;
  descriptor_budget descriptors;
  std::unique_ptr<ledger_presence> ledger;
  api_services services;
  http::router router;
  std::unique_ptr<http::server> local_api;  ///< On a socket; for commands on this machine.
  std::unique_ptr<http::server> api;        ///< On TCP.

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

result<void> node::impl::open() {
  descriptors = plan_descriptors(options.config, options.link.has_value(), open_files_limit());
  if (!descriptors.warning.empty()) spdlog::warn("{}", descriptors.warning);
  if (options.link) {  // before anything is opened that a wrong config should leave alone
    const auto tls = for_node(options.config.cluster.tls, options.name);
    if (auto fits = check_link(*options.link, tls, options.name); !fits) return fits;
  }
  auto opened = open_database(options.config, database_use::write);
  if (!opened) return tl::unexpected<error>(opened.error());
  database = std::move(*opened);
  if (database.server) database_guard = std::make_unique<database_watch>(*database.server);
  auto held = options.name.empty() ? hold_any_name(database.data_directory)
                                   : hold_name(database.data_directory, options.name);
  if (!held) return tl::unexpected<error>(held.error());
  name = std::move(*held);
  pool = std::make_unique<connection_pool>(database.connection_string, options.config.database,
                                           "millrace/" + name.text);
  pool->on_transaction(
      [c = counters](const char* purpose) { c->db_transactions_total(purpose).Increment(); });
  if (auto ready = open_system(); !ready) return ready;
  if (auto ready = join_cluster(); !ready) return ready;
  if (auto ready = open_engine(); !ready) return ready;
  start_actors();
  if (options.link) {
    auto open = open_gate(*system, *transport, supervisor, *options.link);
    if (!open) return tl::unexpected<error>(open.error());
    gate = std::move(*open);
  }
  make_services();
  auto kept = node_uploads::open(options.config.sources, database.data_directory, *pool, name.text);
  if (!kept) return tl::unexpected<error>(kept.error());
  uploads = std::move(*kept);
  if (uploads) services.uploads = uploads->store();
  return start_api();
}

result<void> node::impl::open_system() {
  if (!options.link) {
    actor_config = std::make_unique<system_config>();
    system = std::make_unique<caf::actor_system>(*actor_config);
    return {};
  }
  auto certificates = find_certificates(options.config, database.data_directory, *pool, name.text);
  if (!certificates) return tl::unexpected<error>(certificates.error());
  actor_config = std::make_unique<system_config>(system_config::with_links{});
  system = std::make_unique<caf::actor_system>(*actor_config);
  transport = std::make_unique<link_transport>(*system, std::move(*certificates));
  return {};
}

result<void> node::impl::join_cluster() {
  const bool has_documents = std::any_of(options.roles.begin(), options.roles.end(),
                                         [](auto& r) { return r == "document" || r == "all"; });
  const int capacity = has_documents ? options.config.documents.concurrency : 0;
  registry = std::make_shared<node_registry>(
      *pool, node_registration{name.text, options.link ? options.link->text() : std::string{},
                               options.roles, capacity, version, link_protocol,
                               options.link ? to_string(system->node()) : std::string{}});
  if (options.long_lived)
    if (auto member = registry->enter_cluster(options.config.cluster.name); !member) return member;
  if (auto alone = check_rivals(*registry); !alone) return alone;
  if (options.link)  // before it joins, and ends the leases of the one that runs there
    if (auto free = check_port(*options.link); !free) return free;
  const auto joined = registry->join();
  if (!joined) return tl::unexpected<error>(joined.error());
  incarnation = *joined;
  return {};
}

result<void> node::impl::open_engine() {
  auto made = make_embedding_provider(options.config.embedder, embeddings, compute);
  if (!made) return tl::unexpected<error>(made.error());
  provider = std::move(*made);
  const auto executable = find_extractor();
  if (!executable) return tl::unexpected<error>(executable.error());
  if (options.config.extraction.sandbox == "best_effort")
    spdlog::warn(
        "extraction.sandbox is \"best_effort\": on a kernel without Landlock a document that takes "
        "its parser over can read what this user can");
  extractors = std::make_unique<extractor_pool>(extractor_pool_config{
      *executable, options.config.extraction, options.config.images, options.config.extractor});
  read_before = std::make_unique<image_texts>(*pool, options.config.images.languages);
  images = std::make_unique<image_reader>(
      [this](extraction_request request, extraction_callback done) {
        extractors->extract(std::move(request), std::move(done));
      },
      read_before.get());
  source = std::make_shared<queue>(*pool, options.config.queue, holder{name.text, incarnation});
  gauge = std::make_unique<queue_gauge>([this] { return source->counts(); });
  const auto freed = source->free_former_incarnations();
  if (!freed) return tl::unexpected<error>(freed.error());
  if (*freed > 0)
    spdlog::info("{} documents of this node's former life go back to the queue", *freed);
  const checkpoint_store store{*pool, options.config.checkpoints,
                               options.config.queue.visibility_timeout};
  checkpoints = std::make_unique<checkpoint_thread>(store, counters);
  upkeep = std::make_unique<maintenance>(leader_upkeep(*pool, source, store));
  writer = std::make_unique<group_writer>(
      *pool, group_writer_config{name.text, options.config.commit.spill.bytes});
  return {};
}

void node::impl::start_actors() {
  directory = std::make_shared<actor_directory>(name.text);
  engine_parts parts;
  parts.link = link_config();
  if (options.link) parts.files = std::make_shared<submitted_files>(*pool, name.text);
  parts.config = options.config;
  parts.roles = options.roles;
  parts.directory = directory;
  parts.counters = counters;
  parts.pool = pool.get();
  parts.registry = registry;
  parts.incarnation = incarnation;
  parts.source = source;
  parts.book = book;
  parts.provider = provider;
  parts.checkpoints = {[this](checkpoint_order order) { checkpoints->save(std::move(order)); },
                       [this](checkpoint_source from, checkpoint_thread::loaded done) {
                         checkpoints->load(std::move(from), std::move(done));
                       },
                       options.config.embedder.provider != "hashing"};
  parts.extract = [this](extraction_request request, extraction_callback done) {
    extractors->extract(std::move(request), std::move(done));
  };
  parts.compute = [this](std::uint64_t bytes, compute_pool::job& job) {
    return compute->try_run(bytes, job);
  };
  if (reads_images(options.config.images))
    parts.read = [this](image_question question, image_answer done) {
      images->read(std::move(question), std::move(done));
    };
  parts.write = [this](std::vector<document_result> group, group_writer::callback done) {
    writer->write(std::move(group), std::move(done));
  };
  parts.storage_problem = [directory_path = database.data_directory,
                           min = options.config.storage.min_free] {
    return storage_problem(directory_path, min);
  };
  claims_held = options.begin_with_wake;
  parts.claims_held = [this] { return claims_held.load(); };
  parts.maintain_queue = [this](bool leads) { upkeep->lead(leads); };
  parts.on_fatal = [this](std::string reason) { failure.set(std::move(reason)); };
  ledger = std::make_unique<ledger_presence>(name.text, options.link.has_value());
  parts.ledger_leads = [this](bool leads) { ledger->set(leads); };
  drains = make_drain();
  supervisor = spawn_supervisor(*system, std::move(parts));
  listener = std::make_unique<queue_listener>(
      database.connection_string, options.config.database, "millrace/" + name.text,
      [to = supervisor] { caf::anon_send(to, wake_atom_v); });
  add_node_metrics(*counters, {directory.get(), pool.get(), gauge.get(), book.get(),
                               extractors.get(), embeddings.get()});
  if (transport) add_link_metrics(*counters, transport->certificates());
}

peers_config node::impl::link_config() {
  peers_config link;
  link.self = {link_protocol, version,     options.config.cluster.name,
               name.text,     incarnation, nullptr};
  link.answer = [this](node_topic topic) { return answer(topic); };
  if (!options.link) return link;
  link.port = options.link->port;
  link.reach = reach_by_network(*system, *transport);
  link.owns = [this](const caf::strong_actor_ptr& actor, const std::string& node) {
    return transport->owns(actor, node);
  };
  return link;
}

/// To other nodes, and to this one's API.
result<std::string> node::impl::answer(node_topic topic) {
  switch (topic) {
    case node_topic::actors:
      return directory->json();
    case node_topic::metrics:
      return counters->render();
    case node_topic::drain:
      drains->begin(options.config.drain.timeout);
      [[fallthrough]];
    case node_topic::progress:
      break;
  }
  return drains->report().json();
}

void node::impl::make_services() {
  services.pool = pool.get();
  services.config = &options.config;
  services.provider = provider;
  services.deduct = [this](const ledger::deduction& d) {
    return ask_within<ledger::receipt>(order_timeout, deduct_credits{d});
  };
  services.refund = [this](const ledger::refund_order& r) {
    return ask_within<ledger::receipt>(order_timeout, refund_credits{r});
  };
  services.grant = [this](const ledger::grant_order& g) {
    return ask_within<ledger::receipt>(order_timeout, grant_credits{g});
  };
  services.count_queue = [this] { return gauge->read(); };
  services.actors_json = [this] { return directory->json(); };
  services.ask_nodes = [this](const std::string& node,
                              node_topic topic) -> result<std::vector<node_answer>> {
    auto answered = ask<nodes_answered>(ask_nodes{node, {topic}});
    if (!answered) return tl::unexpected<error>(answered.error());
    return std::move(answered->answers);
  };
  if (options.link && !options.config.sources.shared) services.disk = name.text;
  services.submitted = [this] {
    claims_held = false;
    caf::anon_send(supervisor, wake_atom_v);
  };
  services.metrics_text = [this] { return counters->render(); };
  services.readiness = [this] { return readiness(); };
  services.in_node = true;
}

std::vector<readiness_check> node::impl::readiness() {
  std::vector<readiness_check> checks;
  checks.push_back({"running", !drains->begun(), drains->begun() ? "the node is draining" : ""});
  const auto alive =
      pool->transact("status", [](pqxx::work& tx, pooled_connection&) -> result<int> {
        return tx.exec1("select 1")[0].as<int>();
      });
  checks.push_back({"database", alive.has_value(), alive ? "" : alive.error().message});
  const auto flow = ask<drain_progress>(progress_atom_v);
  checks.push_back({"actors", flow.has_value(), flow ? "" : flow.error().message});
  checks.push_back({"claims", !flow || !flow->paused, flow ? flow->pause_reason : ""});
  checks.push_back(ledger->check(*pool));
  if (transport) checks.push_back(certificate_check(transport->certificates()));
  const auto failed = failure.reason();
  checks.push_back({"supervision", !failed, failed.value_or("")});
  return checks;
}

/// On a socket beside the embedded database's, for commands with --data; and on TCP where the node
/// is to be reached.
result<void> node::impl::start_api() {
  router = make_api(services);
  http::body_door open_body = [this](const http::request& head) { return router.open_body(head); };
  if (database.server) {
    http::server_config beside;
    beside.listen = "unix:" + api_socket(*database.server);
    beside.open_body = open_body;
    beside.max_connections = descriptors.api_connections;
    auto started = http::server::start(beside, router);
    // A second node on the same data directory: the first one answers there already.
    if (!started && started.error().code != ec::port_taken)
      return tl::unexpected<error>(started.error());
    if (started) local_api = std::move(*started);
  }
  if (!options.listen_tcp) return {};
  http::server_config config;
  config.listen = options.config.api.listen;
  config.max_connections = descriptors.api_connections;
  const bool loopback = config.listen.starts_with("unix:") || config.listen.starts_with("127.") ||
                        config.listen.starts_with("localhost:") ||
                        config.listen.starts_with("[::1]");
  if (options.api_token.empty() && !loopback)
    return fail(ec::invalid_config, "api.listen = \"" + config.listen +
                                        "\" is beyond loopback and needs a token: set "
                                        "MILLRACE_TOKEN, or listen on 127.0.0.1");
  http::handler handle = router;
  if (!options.api_token.empty()) {
    handle = http::require_bearer(options.api_token, {"/livez", "/readyz"}, handle);
    open_body = http::require_bearer(options.api_token, open_body);
  }
  config.open_body = std::move(open_body);
  auto started = http::server::start(config, handle);
  if (!started) return tl::unexpected<error>(started.error());
  api = std::move(*started);
  return {};
}

void node::impl::close() {
  api.reset();
  local_api.reset();
  uploads.reset();
  if (drains) drains->close();
  if (system && supervisor) {
    listener.reset();
    const auto actors = directory->json();
    if (gate) caf::anon_send_exit(gate, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(supervisor, caf::exit_reason::user_shutdown);
    gate = gate_actor{};
    supervisor = supervisor_actor{};
    system->await_all_actors_done();
    if (transport) transport->close();
    // Threads that still hold handles of ended actors go before the actor system does.
    read_before->stop();  // and asks the extractors what it cannot answer
    extractors.reset();
    writer.reset();
    checkpoints.reset();
    upkeep.reset();
    services.provider.reset();
    provider.reset();
    compute.reset();
    if (auto left = registry->leave(incarnation, actors); !left)
      spdlog::warn("the node's row could not be marked stopped: {}", left.error().message);
    // CAF's clock holds on to the receivers of timers that have not fired (up to status.debounce),
    // and the destructor would wait for them. All actors have ended; the process ends next, by
    // _Exit in main().
    system.release();  // NOLINT(bugprone-unused-return-value)
  }
}

node::node(std::unique_ptr<impl> i) : impl_{std::move(i)} {}
node::~node() {
  // What was claimed ahead, perhaps of another run's dataset, goes back at once instead of when it
  // is reaped.
  if (impl_->supervisor && !impl_->drains->begun()) drain(impl_->options.config.drain.timeout);
  close();
}

result<std::unique_ptr<node>> node::start(node_options options) {
  return with_embedded_database(options.config, [&]() -> result<std::unique_ptr<node>> {
    auto i = std::make_unique<impl>();
    i->options = options;
    std::unique_ptr<node> made{new node{std::move(i)}};
    if (auto opened = made->impl_->open(); !opened) return tl::unexpected<error>(opened.error());
    return made;
  });
}

connection_pool& node::pool() {
  return *impl_->pool;
}
const settings& node::config() const {
  return impl_->options.config;
}
const embedding_provider& node::provider() const {
  return *impl_->provider;
}
std::string node::api_address() const {
  if (impl_->api) return impl_->api->address();
  return impl_->local_api ? impl_->local_api->address() : std::string{};
}
void node::wake() {
  impl_->services.submitted();
}

std::optional<std::string> node::why_not_ready() const {
  for (const auto& check : impl_->readiness())
    if (!check.ok) return check.name + ": " + check.detail;
  return std::nullopt;
}

std::optional<std::string> node::failure() const {
  return impl_->failure.reason();
}

flow_state node::flow() {
  const auto progress = impl_->ask<drain_progress>(progress_atom_v);
  if (!progress) return {};
  return {progress->in_flight, progress->released, progress->paused, progress->pause_reason};
}

void node::close() {
  impl_->close();
}

void node::leave_at_once(int exit_code) {
  if (impl_->database.server) impl_->database.server->stop_without_waiting();
  std::_Exit(exit_code);
}

drain_outcome node::drain(duration limit) {
  const bool complete = impl_->drains->run(limit);
  return {complete, impl_->drains->report().released};
}

std::unique_ptr<node_drain> node::impl::make_drain() {
  return std::make_unique<node_drain>(
      name.text, node_drain::questions{[this] { return ask<drain_progress>(progress_atom_v); },
                                       [this] { return ask<drain_progress>(drain_atom_v); },
                                       [this] { caf::anon_send(supervisor, give_back_atom_v); }});
}

}  // namespace millrace
