#include <algorithm>

#include "app/api/api.hpp"
#include "runtime/cluster/node_registry.hpp"
#include "runtime/http/json.hpp"

namespace millrace {

namespace {

result<std::string> queue_json(const api_services& s) {
  const auto counts = s.count_queue();
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

/// Of every node. One that does not answer is listed with the reason as its state.
result<std::string> cluster_actors(const api_services& s) {
  if (!s.ask_nodes) return s.actors_json();
  const auto answers = s.ask_nodes({}, node_topic::actors);
  if (!answers) return tl::unexpected<error>(answers.error());
  std::string all;
  for (const auto& a : *answers) {
    std::string entry;
    if (a.problem == ec::none) {
      entry = a.text.substr(1, a.text.size() - 2);  // without its brackets
    } else {
      json::writer out;
      out.begin_object().field("node", a.node).field("state", a.text).end_object();
      entry = out.take();
    }
    if (!entry.empty()) all += (all.empty() ? "" : ",") + entry;
  }
  return "[" + all + "]";
}

/// Why a node that has no link with this one cannot be asked.
error why_not_asked(const api_services& s, const std::string& node, error e) {
  const auto state = node_state_of(*s.pool, node);
  if (!state) return e;
  if (!*state)
    e.message = "there is no node `" + node + "`; `millrace nodes` lists them";
  else if (**state == "stopped")
    e.message = "node `" + node + "` has stopped and holds no work";
  else if (**state == "lost")
    e.message = "node `" + node + "` is lost: its documents go to other nodes by themselves";
  return e;
}

/// What one node says.
result<std::string> ask_one(const api_services& s, const std::string& node, node_topic topic) {
  if (!s.ask_nodes)
    return fail(ec::http_unreachable,
                "no node runs here; give --endpoint URL of one, or its --data directory");
  auto answers = s.ask_nodes(node, topic);
  if (!answers && answers.error().code == ec::unknown_node)
    return tl::unexpected<error>(why_not_asked(s, node, answers.error()));
  if (!answers) return tl::unexpected<error>(answers.error());
  auto& one = answers->front();
  if (one.problem != ec::none) return fail(one.problem, "node `" + one.node + "`: " + one.text);
  return std::move(one.text);
}

http::response metrics(const api_services& s, const http::request& r) {
  const auto node = r.query.find("node");
  auto text = node == r.query.end() ? result<std::string>{s.metrics_text()}
                                    : ask_one(s, node->second, node_topic::metrics);
  if (!text) return http::error_response(text.error());
  http::response response;
  response.content_type = "text/plain; version=0.0.4";
  response.body = std::move(*text);
  return response;
}

}  // namespace

void add_operation_routes(http::router& router, const api_services& s) {
  router.add("GET /v1/actors", [&s](const http::request& r) {
    return answer(r.query.contains("cluster") ? cluster_actors(s)
                                              : result<std::string>{s.actors_json()});
  });
  router.add("POST /v1/nodes/{name}/drain", [&s](const http::request& r) {
    return answer(ask_one(s, r.params.at("name"), node_topic::drain));
  });
  router.add("GET /v1/nodes/{name}/drain", [&s](const http::request& r) {
    return answer(ask_one(s, r.params.at("name"), node_topic::progress));
  });
  router.add("GET /v1/nodes", [&s](const http::request&) { return answer(nodes_json(*s.pool)); });
  router.add("GET /v1/cluster",
             [&s](const http::request&) { return answer(cluster_json(*s.pool)); });
  router.add("GET /v1/queue", [&s](const http::request&) { return answer(queue_json(s)); });
  if (!s.in_node) return;
  router.add("GET /metrics", [&s](const http::request& r) { return metrics(s, r); });
  router.add("GET /livez",
             [](const http::request&) { return answer(std::string{R"({"alive":true})"}); });
  router.add("GET /readyz", [&s](const http::request& r) { return readiness(s, r); });
}

}  // namespace millrace
