#include "app/node/node_link.hpp"

#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>

#include "actors/peers.hpp"
#include "config/text_forms.hpp"
#include "runtime/cluster/certificates.hpp"

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

result<void> check_link(const link_address& at, const tls_settings& tls) {
  if (at.host == "0.0.0.0" || at.host == "::")
    return fail(ec::invalid_config, "nodes cannot dial " + at.text() +
                                        "; name an address of this machine that they reach");
  if (!tls.certificate.empty()) return check_certificates(tls);
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

result<gate_actor> open_gate(caf::actor_system& system, const supervisor_actor& supervisor,
                             const link_address& at, bool tls) {
  auto hello_only = spawn_gate(system, supervisor);
  const auto gate = caf::actor_cast<caf::actor>(hello_only);
  const auto port = tls ? caf::openssl::publish(gate, at.port, at.host.c_str(), true)
                        : system.middleman().publish(gate, at.port, at.host.c_str(), true);
  if (port) return hello_only;
  caf::anon_send_exit(hello_only, caf::exit_reason::user_shutdown);
  return port_taken(at, to_string(port.error()));
}

readiness_check certificate_check(const tls_settings& tls, const std::string& in_use) {
  const auto end = certificate_end(in_use);
  if (!end) return {"certificate", false, end.error().message};
  const auto left = *end - std::chrono::system_clock::now();
  const auto days = std::chrono::duration_cast<std::chrono::hours>(left).count() / 24;
  return {"certificate", left.count() > 0,
          tls.certificate + " ends in " + std::to_string(days) + " days"};
}

void add_link_metrics(metrics& into, const std::string& in_use) {
  into.collect(metrics::kind::gauge, "millrace_certificate_end_seconds",
               "Unix time at which the certificate of the links between nodes ends.",
               [file = in_use](const metrics::setter& set) {
                 if (const auto end = certificate_end(file))
                   set({}, std::chrono::duration<double>(end->time_since_epoch()).count());
               });
}

}  // namespace millrace
