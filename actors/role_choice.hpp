// Which other node does what this one has no role for. Pure but for the puller, which stays the
// same as long as it is offered: it keeps account of what it delivered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actors/actors.hpp"

namespace millrace {

class role_choice {
 public:
  explicit role_choice(std::string self) : self_{std::move(self)} {}

  /// Null where no node offers one.
  queue_puller_actor puller(const std::vector<node_offer>& offers);
  /// For a document actor. Spreads the document actors of all nodes over the embedders; when one
  /// comes or goes, only those that it serves change.
  embedder_actor embedder(const std::vector<node_offer>& offers, std::uint64_t document) const;

 private:
  std::string self_;
  std::string puller_node_;
};

/// Of the node that leads with the highest epoch; null where none does.
status_aggregator_actor leading_status(const std::vector<node_offer>& offers);

}  // namespace millrace
