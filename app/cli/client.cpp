#include "app/cli/client.hpp"

#include <algorithm>

#include "app/api/api.hpp"
#include "app/node/node.hpp"
#include "runtime/cluster/node_registry.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

constexpr auto probe_timeout = std::chrono::seconds{2};
constexpr auto stream_idle_timeout = std::chrono::minutes{1};

http::request make_request(const std::string& method, const std::string& target,
                           const std::string& body) {
  http::request request;
  request.method = method;
  request.body = body;
  http::parse_target(target, request);
  return request;
}

/// {"error":{"code","message"}} as the error it was.
error to_error(const http::response& response) {
  error e{ec::internal, "what answers there is no Millrace node (HTTP status " +
                            std::to_string(response.status) +
                            "); see --endpoint and MILLRACE_ENDPOINT"};
  json::raw inner;
  std::string code;
  if (json::parse_object(response.body, {json::required("error", inner)},
                         json::unknown_fields::ignored) &&
      json::parse_object(inner.text,
                         {json::required("code", code), json::required("message", e.message)},
                         json::unknown_fields::ignored)) {
    const auto known = ec_from_string(code);
    if (known != ec::none) e.code = known;
  }
  // The server itself, before any of our code: it has as much to do as it may.
  if (response.status == 503 && e.code == ec::internal) e.code = ec::http_unreachable;
  return e;
}

template <class Order>
std::function<result<ledger::receipt>(const Order&)> in_transaction(
    connection_pool& pool, result<ledger::receipt> (*move)(sql::work&, const Order&)) {
  return [&pool, move](const Order& order) {
    return pool.transact("ledger",
                         [&](sql::work& tx, pooled_connection&) { return move(tx, order); });
  };
}

}  // namespace

result<bool> node_answers(const http::endpoint& at) {
  const auto answer = http::send(at, make_request("GET", "/livez", ""), probe_timeout);
  if (!answer && answer.error().code == ec::resource_exhausted)
    return tl::unexpected<error>(answer.error());
  return answer.has_value();
}

result<std::unique_ptr<client>> client::open(const global_options& options) {
  auto made = std::make_unique<client>();
  auto loaded = load(options);
  if (!loaded) return tl::unexpected<error>(loaded.error());
  made->settings_ = std::move(*loaded);
  made->endpoint_.token = options.token;
  if (!options.endpoint.empty()) {
    made->endpoint_.url = options.endpoint;
    return made;
  }
  auto database = open_database(made->settings_, database_use::read);
  if (!database) return tl::unexpected<error>(database.error());
  made->database_ = std::move(*database);
  if (auto looked = made->look_for_node(); !looked) return tl::unexpected<error>(looked.error());
  if (!made->live()) made->serve_in_process();
  return made;
}

result<void> client::look_for_node() {
  if (live() || !database_.server) return {};
  http::endpoint found{"unix:" + api_socket(*database_.server), endpoint_.token};
  const auto there = node_answers(found);
  if (!there) return tl::unexpected<error>(there.error());
  if (*there) endpoint_ = std::move(found);
  return {};
}

void client::leave_at_once() {
  if (database_.server) database_.server->stop_without_waiting();
}

void client::serve_in_process() {
  pool_ = std::make_unique<connection_pool>(database_.connection_string, settings_.database,
                                            "millrace/command");
  services_.pool = pool_.get();
  services_.config = &settings_;
  if (auto provider =
          make_embedding_provider(settings_.embedder, std::make_shared<embedding_stats>()))
    services_.provider =
        std::move(*provider);  // else only datasets of the built-in provider can be searched
  services_.deduct = in_transaction(*pool_, ledger::deduct_batch);
  services_.refund = in_transaction(*pool_, ledger::refund);
  services_.grant = in_transaction(*pool_, ledger::grant);
  services_.count_queue = [this] { return queue{*pool_, settings_.queue, {}}.counts(); };
  services_.actors_json = [this] { return last_actors_json(*pool_).value_or("[]"); };
  services_.submitted = [] {};
  router_ = make_api(services_);
}

result<http::response> client::send(const http::request& request, duration patience) {
  if (!live()) return router_(request);
  return http::send(endpoint_, request, patience);
}

result<std::string> client::ask(const char* method, const std::string& target,
                                const std::string& body, duration patience) {
  auto response = send(make_request(method, target, body), patience);
  if (!response) return tl::unexpected<error>(response.error());
  if (response->status / 100 != 2) return tl::unexpected<error>(to_error(*response));
  return std::move(response->body);
}

result<std::string> client::get(const std::string& target, duration patience) {
  return ask("GET", target, "", patience);
}

result<bool> client::some_node_is(std::initializer_list<std::string_view> states,
                                  duration patience) {
  const auto body = get("/v1/nodes", patience);
  if (!body) return tl::unexpected<error>(body.error());
  const auto nodes = json::parse(*body);
  if (!nodes) return tl::unexpected<error>(nodes.error());
  for (const auto& node : nodes->GetArray())
    if (std::find(states.begin(), states.end(), node["state"].GetString()) != states.end())
      return true;
  return false;
}

result<std::string> client::post(const std::string& target, const std::string& body) {
  return ask("POST", target, body);
}

result<std::string> client::put_file(const std::string& target, const std::string& path,
                                     const std::atomic<bool>& stop,
                                     const std::string& sha256) const {
  auto request = make_request("PUT", target, "");
  if (!sha256.empty()) {
    request.headers["if-none-match"] = '"' + sha256 + '"';
    request.headers["expect"] = "100-continue";
  }
  const auto response = http::send_file(endpoint_, request, path, answer_patience, &stop);
  if (!response) return tl::unexpected<error>(response.error());
  const auto has_it = response->status == 412 && !sha256.empty();
  if (has_it || response->status / 100 == 2) return response->body;
  return tl::unexpected<error>(to_error(*response));
}

result<std::string> client::erase(const std::string& target) {
  return ask("DELETE", target, "");
}

result<void> client::stream(const std::string& target, const http::chunk_sink& sink) {
  const auto request = make_request("GET", target, "");
  if (live()) {
    const auto response = http::send_streaming(endpoint_, request, sink, stream_idle_timeout);
    if (!response) return tl::unexpected<error>(response.error());
    if (response->status / 100 != 2) return tl::unexpected<error>(to_error(*response));
    return {};
  }
  auto response = router_(request);
  if (response.status / 100 != 2) return tl::unexpected<error>(to_error(response));
  try {
    for (std::string chunk; response.stream && response.stream(chunk) && sink(chunk);)
      chunk.clear();
  } catch (const std::exception& e) {
    return fail(ec::database_error, std::string{"the export broke off: "} + e.what());
  }
  return {};
}

}  // namespace millrace::cli
