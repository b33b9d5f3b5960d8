#include <algorithm>

#include "app/api/api.hpp"
#include "runtime/cluster/node_registry.hpp"
#include "runtime/http/json.hpp"
#include "runtime/queue/queue.hpp"

namespace millrace {

namespace {

result<std::string> queue_json(const api_services& s) {
  queue source{*s.pool, s.config->queue, {}};
  const auto counts = source.counts();
  if (!counts) return tl::unexpected<error>(counts.error());
  json::writer out;
  out.begin_object()
      .field("ready", counts->ready)
      .field("delayed", counts->delayed)
      .field("leased", counts->leased)
      .field("dead", counts->dead)
      .field("oldest_ready_seconds", counts->oldest_ready_seconds)
      .end_object();
  return out.take();
}

http::response readiness(const api_services& s, const http::request& r) {
  const auto checks = s.readiness();
  const bool ready = std::all_of(checks.begin(), checks.end(), [](const auto& c) { return c.ok; });
  http::response response;
  response.status = ready ? 200 : 503;
  json::writer out;
  out.begin_object().field("ready", ready);
  if (r.query.contains("verbose")) {
    out.key("checks").begin_array();
    for (const auto& c : checks)
      out.begin_object()
          .field("name", c.name)
          .field("ok", c.ok)
          .field("detail", c.detail)
          .end_object();
    out.end_array();
  }
  out.end_object();
  response.body = out.take();
  return response;
}

}  // namespace

void add_operation_routes(http::router& router, const api_services& s) {
  router.add("GET /v1/actors", [&s](const http::request&) { return answer(s.actors_json()); });
  router.add("GET /v1/nodes", [&s](const http::request&) { return answer(nodes_json(*s.pool)); });
  router.add("GET /v1/queue", [&s](const http::request&) { return answer(queue_json(s)); });
  if (!s.in_node) return;
  router.add("GET /metrics", [&s](const http::request&) {
    http::response response;
    response.content_type = "text/plain; version=0.0.4";
    response.body = s.metrics_text();
    return response;
  });
  router.add("GET /livez",
             [](const http::request&) { return answer(std::string{R"({"alive":true})"}); });
  router.add("GET /readyz", [&s](const http::request& r) { return readiness(s, r); });
}

}  // namespace millrace
