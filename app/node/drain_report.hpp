// How a drain goes, for `millrace drain` and GET /v1/nodes/NAME/drain.
#pragma once

#include <cstdint>
#include <string>

namespace millrace {

struct drain_report {
  std::string node;
  std::string state;            ///< "running", "draining", "drained".
  std::uint64_t eligible = 0;   ///< Documents that the node had in work when it began.
  std::uint64_t in_flight = 0;  ///< Still in work.
  std::uint64_t released = 0;   ///< Went back to the queue as they were.
  std::uint64_t failed = 0;     ///< Neither ended nor went back in time: their leases run out.

  std::string json() const;
};

}  // namespace millrace
