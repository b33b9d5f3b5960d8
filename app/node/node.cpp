#include "app/node/node.hpp"

#include <cstdlib>

#include <spdlog/spdlog.h>

#include "app/node/node_impl.hpp"
#include "app/node/node_link.hpp"

namespace millrace {

error unanswered(const caf::error& e) {
  if (e != caf::sec::request_timeout) return from_caf(e);
  return {ec::timeout,
          "the node's actors did not answer in time; repeat it (an order of credits "
          "with the same idempotency key)"};
}

std::string api_socket(const embedded_server& server) {
  return (server.socket_directory() / "api.sock").native();
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

std::vector<readiness_check> node::impl::readiness() {
  std::vector<readiness_check> checks;
  checks.push_back({"running", !drains->begun(), drains->begun() ? "the node is draining" : ""});
  const auto alive = pool->transact("status", [](sql::work& tx, pooled_connection&) -> result<int> {
    return tx.exec("select 1").one_row()[0].as<int>();
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

void node::impl::close() {
  api.reset();
  beside_data.reset();
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
  return impl_->beside_data ? impl_->beside_data->address().value_or("") : std::string{};
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

}  // namespace millrace
