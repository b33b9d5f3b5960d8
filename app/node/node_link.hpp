// What a node needs before it can be one of several: who else stands in its way, its certificates,
// its open gate. Each function says in a sentence what is wrong.
//
// Blocks: files, SQL, the network.
#pragma once

#include "actors/actors.hpp"
#include "app/api/services.hpp"
#include "config/settings.hpp"
#include "runtime/cluster/link_port.hpp"
#include "runtime/cluster/node_registry.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

/// Certificates are there and fit, or the link does not leave this machine.
result<void> check_link(const link_address& at, const tls_settings& tls);

/// node_refused where a live node has this one's name or CAF's id of this process.
result<void> check_rivals(node_registry& registry);

/// port_taken where somebody listens there already.
result<void> check_port(const link_address& at);

/// Others can dial from here on. port_taken where somebody listens there. The gate is to be ended
/// with its supervisor.
result<gate_actor> open_gate(caf::actor_system& system, const supervisor_actor& supervisor,
                             const link_address& at, bool tls);

/// The certificate of the link, read anew each time: it is replaced while the node runs.
readiness_check certificate_check(const tls_settings& tls);
void add_link_metrics(metrics& into, const tls_settings& tls);

}  // namespace millrace
