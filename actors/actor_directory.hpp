// Every actor of this node with what it is doing: the source of GET /v1/actors and of the actor
// metrics.
//
// An actor owns its probe and writes it without locks (but for the document it carries); any thread
// may read the directory. An entry leaves with its actor.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/telemetry/latency_histogram.hpp"

namespace millrace {

class actor_probe {
 public:
  using clock = std::chrono::steady_clock;

  actor_probe(std::string role_name, int mailbox_limit)
      : role{std::move(role_name)}, limit{mailbox_limit} {}

  const std::string role;
  const int limit;
  std::uint64_t actor_id = 0;  ///< Set before it is listed.
  std::uint64_t restarts = 0;  ///< Of this slot, before this actor.
  std::atomic<int> depth{0};   ///< Requests in the mailbox.
  std::atomic<int> peak{0};
  std::atomic<std::uint64_t> rejected{0};  ///< Refused: over the mailbox's limit or a grant's.
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::int64_t> demand_available{
      0};  ///< Items it would take now: what its producers may still send.
  std::atomic<std::uint64_t> held{0};  ///< Documents it answers for, of a committer.
  std::atomic<std::uint64_t> backpressure_nanoseconds{0};  ///< Waited for a grant.
  latency_histogram handling;
  latency_histogram waiting;  ///< In the mailbox; sampled.

  /// What the actor carries now; an empty text: idle.
  void carry(std::string what, std::string state);
  struct load {
    std::string carrying;
    std::string state;
    clock::time_point since;
  };
  load current() const;

 private:
  mutable std::mutex mutex_;
  load load_{{}, "idle", clock::now()};
};

/// True where `demand_available` says what the actor would take; of others it is always 0.
bool gives_demand(const actor_probe& p);

class actor_directory {
 public:
  explicit actor_directory(std::string node) : node_{std::move(node)} {}
  void enter(const std::shared_ptr<actor_probe>& probe);
  std::vector<std::shared_ptr<actor_probe>> list() const;
  const std::string& node() const { return node_; }
  void count_restart() { ++restarts_; }
  std::uint64_t restarts() const { return restarts_; }
  /// Documents that actors of this node carry or answer for.
  std::uint64_t documents_in_flight() const;

  /// JSON array: node, role, id, state, mailbox {depth, limit, peak, rejected}, handled, handling
  /// time p50/p99 in seconds, restarts, demand_available (null where it gives none), the document
  /// it carries and for how many seconds it is in its state.
  std::string json() const;

 private:
  std::string node_;
  std::atomic<std::uint64_t> restarts_{0};
  mutable std::mutex mutex_;
  mutable std::vector<std::weak_ptr<actor_probe>> probes_;
};

}  // namespace millrace
