// Registers what a node shows at /metrics and does not count by itself: mailboxes and slots, the
// queue, the database, extractors, embeddings. Read when asked.
#pragma once

#include "actors/actor_directory.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/embedding/provider.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/queue/lease_book.hpp"
#include "runtime/queue/queue_gauge.hpp"
#include "runtime/telemetry/metrics.hpp"

namespace millrace {

struct node_sources {
  const actor_directory* actors = nullptr;
  connection_pool* pool = nullptr;
  queue_gauge* gauge = nullptr;
  const lease_book* book = nullptr;
  const extractor_pool* extractors = nullptr;
  const embedding_stats* embeddings = nullptr;
};

/// The sources must outlive `into`.
void add_node_metrics(metrics& into, const node_sources& from);

}  // namespace millrace
