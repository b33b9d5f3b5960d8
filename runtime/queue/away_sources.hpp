// For how long documents wait whose file is on another node's disk, while that node is away: as
// long as it has been away already, and never less than away_delay or more than `longest`. So a
// short absence is noticed at once to be over, and a long one does not move the queue's rows all
// the time. Documents that wait for one node wait alike, however many they are.
//
// Used from one thread. Bounded by max_nodes, and an absence that nobody asked about for a while is
// forgotten.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "config/settings.hpp"

namespace millrace {

class away_sources {
 public:
  using clock = std::chrono::steady_clock;

  static constexpr duration longest = std::chrono::minutes{1};
  static constexpr duration forgotten_after = 2 * longest;
  /// Names come from URIs, which may name anything. Beyond this the pause is away_delay.
  static constexpr std::size_t max_nodes = 1'000;

  /// A document could not be had from `node`: the pause until it is tried again.
  duration pause(const std::string& node, clock::time_point now);
  /// The node is there again. True where documents wait for it.
  bool back(const std::string& node) { return absences_.erase(node) > 0; }

 private:
  struct absence {
    clock::time_point since;
    clock::time_point noticed;  ///< The last time.
  };

  std::map<std::string, absence> absences_;
};

}  // namespace millrace
