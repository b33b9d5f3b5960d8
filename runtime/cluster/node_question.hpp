// What one node may ask another: the words of the API's `cluster=1`, of `drain`, and of metrics.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/core/error.hpp"

namespace millrace {

enum class node_topic : std::uint8_t {
  actors,    ///< JSON, as GET /v1/actors.
  metrics,   ///< Prometheus's text.
  drain,     ///< Begins to drain; then as `progress`.
  progress,  ///< Of a drain: JSON, see drain_report.hpp.
};

struct node_answer {
  std::string node;
  std::string text;
  ec problem = ec::none;  ///< Then `text` is a sentence.
};

}  // namespace millrace
