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

/// node_refused where a live node has this one's name or CAF's id of this process. A node that
/// cannot be reached is watched for a while: it lives as long as it beats in the database.
result<void> check_rivals(node_registry& registry);

/// port_taken where this process cannot listen there: somebody does, or it is another machine's
/// address.
result<void> check_port(const link_address& at);

/// Others can dial from here on. port_taken where somebody listens there. The gate is to be ended
/// with its supervisor.
result<gate_actor> open_gate(caf::actor_system& system, const supervisor_actor& supervisor,
                             const link_address& at, bool tls);

/// `in_use`: the file that links read their certificate from (certificate_copies), looked at anew
/// each time: it is replaced while the node runs, when all of a renewal fits.
readiness_check certificate_check(const tls_settings& tls, const std::string& in_use);
void add_link_metrics(metrics& into, const std::string& in_use);

}  // namespace millrace
