#include "app/node/node_link.hpp"

#include "actors/peers.hpp"
#include "config/text_forms.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/local_certificates.hpp"
#include "runtime/database/database_identity.hpp"

namespace millrace {

namespace {

/// Is the node of that row still there?
constexpr auto rival_probe = std::chrono::seconds{1};
/// A node beats several times in it.
constexpr auto rival_watch = std::chrono::seconds{3};

tl::unexpected<error> port_taken(const link_address& at, const std::string& why) {
  return fail(ec::port_taken, "cannot listen on " + at.text() +
                                  " for the links between nodes: " + why +
                                  "; stop what listens there, or give the node another host or "
                                  "port");
}

}  // namespace

result<void> check_link(const link_address& at, const tls_settings& tls, const std::string& node) {
  if (at.host == "0.0.0.0" || at.host == "::")
    return fail(ec::invalid_config, "nodes cannot dial " + at.text() +
                                        "; name an address of this machine that they reach");
  if (!tls.certificate.empty()) return load_tls_context(tls, node).map([](const auto&) {});
  if (is_loopback_host(at.host)) return {};
  return fail(
      ec::invalid_config,
      "links on " + at.text() +
          " leave this machine and need mutual TLS: make certificates with `millrace certs` "
          "and set cluster.tls.certificate, cluster.tls.key and cluster.tls.ca");
}

result<void> check_rivals(node_registry& registry) {
  const auto rival = registry.rival();
  if (!rival) return tl::unexpected<error>(rival.error());
  if (!*rival) return {};
  const auto& other = **rival;
  if (other.name != registry.self().name)
    return fail(ec::node_refused,
                "node `" + other.name + "` has the same process and machine ids (" +
                    registry.self().link_id +
                    "), so nodes could not tell the two apart; start this one under another pid "
                    "(containers: without --network host, or with an init process)");
  const auto address = parse_link_address(other.address);
  if (address && !why_unreachable(*address, rival_probe))
    return fail(ec::node_refused, "a node called `" + other.name + "` runs at " + other.address +
                                      "; choose another --name");
  const auto beats = registry.beats(other, rival_watch);
  if (!beats) return tl::unexpected<error>(beats.error());
  if (!*beats) return {};  // it is gone
  return fail(ec::node_refused, "a node called `" + other.name + "` runs at " + other.address +
                                    ", which cannot be reached from here; stop it first, or choose "
                                    "another --name");
}

result<void> check_port(const link_address& at) {
  if (const auto why = why_not_listening(at)) return port_taken(at, *why);
  return {};
}

result<std::unique_ptr<link_certificates>> find_certificates(
    const settings& config, const std::filesystem::path& data_directory, connection_pool& pool,
    const std::string& node) {
  auto tls = for_node(config.cluster.tls, node);
  if (tls.certificate.empty()) {
    const auto database = database_identity(pool, "heartbeat");
    if (!database) return tl::unexpected<error>(database.error());
    auto made = local_certificates(local_certificates_folder(data_directory, *database),
                                   config.cluster.name, node);
    if (!made) return tl::unexpected<error>(made.error());
    tls = std::move(*made);
  }
  return link_certificates::create(std::move(tls), node);
}

result<gate_actor> open_gate(caf::actor_system& system, link_transport& transport,
                             const supervisor_actor& supervisor, const link_address& at) {
  auto hello_only = spawn_gate(system, supervisor);
  const auto open = transport.listen(at, hello_only);
  if (open) return hello_only;
  caf::anon_send_exit(hello_only, caf::exit_reason::user_shutdown);
  return port_taken(at, open.error().message);
}

readiness_check certificate_check(const link_certificates& certificates) {
  const auto left = certificates.end() - std::chrono::system_clock::now();
  const auto days = std::chrono::duration_cast<std::chrono::hours>(left).count() / 24;
  return {"certificate", left.count() > 0,
          certificates.file() + " ends in " + std::to_string(days) + " days"};
}

void add_link_metrics(metrics& into, const link_certificates& certificates) {
  into.collect(metrics::kind::gauge, "millrace_certificate_end_seconds",
               "Unix time at which the certificate of the links between nodes ends.",
               [&certificates](const metrics::setter& set) {
                 const auto end = certificates.end().time_since_epoch();
                 set({}, std::chrono::duration<double>(end).count());
               });
}

}  // namespace millrace
