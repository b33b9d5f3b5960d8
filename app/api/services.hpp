// What the API's handlers stand on, whether they run in a node or inside a command that opened the
// database itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/cluster/node_question.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/embedding/provider.hpp"
#include "runtime/ledger/ledger.hpp"
#include "runtime/queue/queue.hpp"
#include "runtime/sources/upload_store.hpp"

namespace millrace {

/// What the pipeline of a node is doing.
struct flow_state {
  std::uint64_t in_flight = 0;
  std::uint64_t released = 0;
  bool paused = false;
  std::string pause_reason;
};

/// One named condition of readiness.
struct readiness_check {
  std::string name;
  bool ok = true;
  std::string detail;
};

struct api_services {
  connection_pool* pool = nullptr;
  const settings* config = nullptr;
  std::shared_ptr<embedding_provider> provider;

  // Money moves through the ledger's actor in a node, by SQL in a command: the same functions
  // behind both.
  std::function<result<ledger::receipt>(const ledger::deduction&)> deduct;
  std::function<result<ledger::receipt>(const ledger::refund_order&)> refund;
  std::function<result<ledger::receipt>(const ledger::grant_order&)> grant;

  std::function<result<queue_counts>()> count_queue;
  std::function<std::string()> actors_json;
  /// Asks one node, or all where the name is empty; a node that does not answer has a problem in
  /// its place. Empty outside of a node.
  std::function<result<std::vector<node_answer>>(const std::string& node, node_topic topic)>
      ask_nodes;
  std::function<void()> submitted;            ///< Wakes the puller.
  std::function<std::string()> metrics_text;  ///< Empty: no metrics here.
  std::function<std::vector<readiness_check>()> readiness;
  bool in_node = false;
  /// Of this node, where others could not read its disk under the same path: submitted files are
  /// named by it. Else empty.
  std::string disk;
  /// Where uploaded files are kept; null: uploads are refused.
  std::shared_ptr<upload_store> uploads;
};

}  // namespace millrace
