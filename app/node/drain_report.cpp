#include "app/node/drain_report.hpp"

#include "runtime/http/json.hpp"

namespace millrace {

std::string drain_report::json() const {
  json::writer out;
  out.begin_object()
      .field("node", node)
      .field("state", state)
      .field("eligible", eligible)
      .field("in_flight", in_flight)
      .field("released", released)
      .field("failed", failed)
      .end_object();
  return out.take();
}

}  // namespace millrace
