// What `millrace top` shows of a cluster, joined from what one node answers: its nodes, its actors
// by node and role, its queue, and the documents in work.
//
// Pure values and functions. A field that an older node does not give stays empty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/error.hpp"

namespace millrace::cli {

/// A node's row, by the database's clock.
struct node_line {
  std::string name = {};
  std::string state = {};  ///< running, draining, stopped; lost: without a heartbeat for too long.
  bool answers = true;     ///< False where it should be there, and says nothing of its actors.
  std::string problem = {};  ///< Then why, if that is known.
  std::vector<std::string> roles = {};
  std::vector<std::string> leads = {};
  std::int64_t documents = 0;  ///< Leased by it.
  std::int64_t capacity = 0;
  double heartbeat_age_seconds = 0;

  bool alive() const { return state == "running" || state == "draining"; }
};

/// The actors of one role on one node. Numbers are sums where nothing else is said.
struct role_line {
  std::string node = {};
  std::string role = {};
  std::int64_t actors = 0;
  std::int64_t busy = 0;  ///< That carry something, or have a request in the mailbox.
  std::int64_t mailbox_depth = 0;
  std::int64_t mailbox_limit = 0;
  std::int64_t fullest_depth = 0;  ///< Of the actor whose mailbox is fullest, by its limit.
  std::int64_t fullest_limit = 0;
  std::int64_t mailbox_peak = 0;  ///< The highest of them.
  std::int64_t mailbox_rejected = 0;
  std::optional<std::int64_t> demand_available = {};  ///< Credit that producers still have here.
  double handling_p50_seconds = 0;  ///< Median of the actors', weighted by what each handled.
  double handling_p99_seconds = 0;  ///< The slowest actor's.
  std::int64_t restarts = 0;
};

struct document_line {
  std::string uri;
  std::string node;
  std::string stage;
  double seconds = 0;  ///< In this stage.
};

struct cluster_picture {
  std::optional<std::string> cluster;
  std::optional<std::int64_t> documents_ended;  ///< Ready or failed, in all datasets.
  std::optional<double> documents_per_second;   ///< Since the picture before; see measure_rate().
  std::int64_t ready = 0, delayed = 0, leased = 0, dead = 0;  ///< In the queue.
  std::vector<node_line> nodes;                               ///< Those that are there first.
  std::vector<role_line> roles;  ///< In the order of a document's way, of nodes that are there.
  std::vector<document_line> documents;  ///< Longest in their stage first, at most max_documents.
  std::string problem;                   ///< What could not be had, as a sentence.
};

inline constexpr std::size_t max_documents = 100;

/// The bodies of GET /v1/cluster, /v1/queue, /v1/nodes and /v1/actors?cluster=1. An empty text:
/// there is none.
struct cluster_answers {
  std::string cluster;
  std::string queue;
  std::string nodes;
  std::string actors;
};

/// invalid_argument where an answer is not what the API gives.
result<cluster_picture> join(const cluster_answers& answers);

/// Documents per second since `before`, `seconds` earlier. Not below 0: a retry or a deletion takes
/// ended documents away.
void measure_rate(cluster_picture& now, const cluster_picture& before, double seconds);

/// One object with the picture's fields.
std::string to_json(const cluster_picture& picture);

}  // namespace millrace::cli
