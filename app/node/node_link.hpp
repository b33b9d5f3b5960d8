// What a node needs before it can be one of several: who else stands in its way, its certificates,
// its open gate. Each function says in a sentence what is wrong.
//
// Blocks: files, SQL, the network.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "actors/actors.hpp"
#include "actors/link_transport.hpp"
#include "app/api/services.hpp"
#include "config/settings.hpp"
#include "runtime/cluster/link_certificates.hpp"
#include "runtime/cluster/link_port.hpp"
#include "runtime/cluster/node_registry.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

/// The certificates of `node` are there and fit, or the link does not leave this machine.
result<void> check_link(const link_address& at, const tls_settings& tls, const std::string& node);

/// Those of the config; without any, those that nodes of one machine make by themselves.
result<std::unique_ptr<link_certificates>> find_certificates(
    const settings& config, const std::filesystem::path& data_directory, connection_pool& pool,
    const std::string& node);

/// node_refused where a live node has this one's name or CAF's id of this process. A node that
/// cannot be reached is watched for a while: it lives as long as it beats in the database.
result<void> check_rivals(node_registry& registry);

/// port_taken where this process cannot listen there: somebody does, or it is another machine's
/// address.
result<void> check_port(const link_address& at);

/// Others can dial from here on. port_taken where somebody listens there. The gate is to be ended
/// with its supervisor.
result<gate_actor> open_gate(caf::actor_system& system, link_transport& transport,
                             const supervisor_actor& supervisor, const link_address& at);

/// Of the certificate that is in use: it is replaced while the node runs, when all of a renewal
/// fits.
readiness_check certificate_check(const link_certificates& certificates);
void add_link_metrics(metrics& into, const link_certificates& certificates);

}  // namespace millrace
