// Opens the parts of a node in order: nothing starts before what it uses, and nothing is written
// before what the config or another node would refuse.
#include <algorithm>

#include <spdlog/spdlog.h>

#include "app/node/leader_upkeep.hpp"
#include "app/node/node_impl.hpp"
#include "app/node/node_link.hpp"
#include "app/node/node_metrics.hpp"
#include "app/node/storage_space.hpp"
#include "app/version.hpp"
#include "runtime/core/open_files.hpp"
#include "runtime/extraction/find_extractor.hpp"
#include "runtime/images/ocr_data.hpp"

namespace millrace {

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
  if (database.server)
    database_guard = std::make_unique<database_watch>(
        *database.server, [this](std::string reason) { failure.set(std::move(reason)); });
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
    auto started = local_api::start(std::move(beside), router);
    if (!started) return tl::unexpected<error>(started.error());
    beside_data = std::move(*started);
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

std::unique_ptr<node_drain> node::impl::make_drain() {
  return std::make_unique<node_drain>(
      name.text, node_drain::questions{[this] { return ask<drain_progress>(progress_atom_v); },
                                       [this] { return ask<drain_progress>(drain_atom_v); },
                                       [this] { caf::anon_send(supervisor, give_back_atom_v); }});
}

}  // namespace millrace
