#include "app/cli/cluster_picture.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

using json::optional;
using json::required;
using value = rapidjson::Value;

/// On a document's way from the queue to its commit; others follow by name.
constexpr std::array<std::string_view, 6> way{"queue_puller", "document", "image_desk",
                                              "image",        "embedder", "committer"};

result<void> read(const value& from, const std::vector<json::field>& fields) {
  return json::read_object(from, fields, json::unknown_fields::ignored);
}

/// Calls `take` with each object of an array.
template <class Take>
result<void> each(const std::string& text, Take take) {
  if (text.empty()) return {};
  const auto parsed = json::parse(text);
  if (!parsed) return tl::unexpected<error>(parsed.error());
  if (!parsed->IsArray()) return fail(ec::invalid_argument, "the node's answer is not a list");
  for (const auto& object : parsed->GetArray())
    if (auto taken = take(object); !taken) return taken;
  return {};
}

/// One actor of GET /v1/actors, or a node that did not answer.
struct actor_entry {
  std::string node, role, state, document;
  std::int64_t depth = 0, limit = 0, peak = 0, rejected = 0, handled = 0, restarts = 0;
  std::optional<std::int64_t> demand;
  double p50 = 0, p99 = 0, seconds = 0;
};

result<void> read_actor(const value& from, actor_entry& a) {
  return read(from,
              {required("node", a.node), optional("role", a.role), optional("state", a.state),
               optional("document", a.document), optional("mailbox_depth", a.depth),
               optional("mailbox_limit", a.limit), optional("mailbox_peak", a.peak),
               optional("mailbox_rejected", a.rejected), optional("handled", a.handled),
               optional("restarts", a.restarts), optional("demand_available", a.demand),
               optional("handling_p50_seconds", a.p50), optional("handling_p99_seconds", a.p99),
               optional("seconds_in_state", a.seconds)});
}

/// What is summed up to a role_line, and what its median needs.
struct role_sum {
  role_line line;
  std::vector<std::pair<double, std::int64_t>> medians;  ///< Of each actor, and what it handled.
};

void add_actor(role_sum& sum, const actor_entry& a) {
  auto& l = sum.line;
  l.node = a.node;
  l.role = a.role;
  ++l.actors;
  l.busy += a.state != "idle" || a.depth > 0;
  l.mailbox_depth += a.depth;
  l.mailbox_limit += a.limit;
  if (l.actors == 1 || a.depth * l.fullest_limit > l.fullest_depth * a.limit) {
    l.fullest_depth = a.depth;
    l.fullest_limit = a.limit;
  }
  l.mailbox_peak = std::max(l.mailbox_peak, a.peak);
  l.mailbox_rejected += a.rejected;
  if (a.demand) l.demand_available = l.demand_available.value_or(0) + *a.demand;
  l.handling_p99_seconds = std::max(l.handling_p99_seconds, a.p99);
  l.restarts += a.restarts;
  sum.medians.emplace_back(a.p50, a.handled);
}

double weighted_median(std::vector<std::pair<double, std::int64_t>> values) {
  std::sort(values.begin(), values.end());
  std::int64_t all = 0;
  for (const auto& v : values) all += v.second;
  std::int64_t below = 0;
  for (const auto& [middle, weight] : values) {
    below += weight;
    if (weight > 0 && below * 2 >= all) return middle;
  }
  return 0;
}

result<void> read_nodes(const std::string& text, cluster_picture& p) {
  auto done = each(text, [&](const value& object) {
    node_line n;
    auto taken = read(object, {required("node", n.name), required("state", n.state),
                               optional("roles", n.roles), optional("leads", n.leads),
                               optional("documents", n.documents), optional("capacity", n.capacity),
                               optional("heartbeat_age_seconds", n.heartbeat_age_seconds)});
    p.nodes.push_back(std::move(n));
    return taken;
  });
  const auto place = [](const node_line& n) { return n.alive() ? 0 : n.state == "lost" ? 1 : 2; };
  std::sort(p.nodes.begin(), p.nodes.end(), [&](const auto& a, const auto& b) {
    return std::pair{place(a), a.name} < std::pair{place(b), b.name};
  });
  return done;
}

/// Actors of nodes that are gone are history: in a database without a node, those of the last run.
result<void> read_actors(const std::string& text, cluster_picture& p) {
  if (text.empty()) return {};
  std::map<std::string, node_line*> there;
  for (auto& n : p.nodes)
    if (n.alive()) there[n.name] = &n;
  std::set<std::string> answered;
  std::map<std::tuple<std::size_t, std::string, std::string>, role_sum> sums;
  auto done = each(text, [&](const value& object) -> result<void> {
    actor_entry a;
    if (auto taken = read_actor(object, a); !taken) return taken;
    const auto node = there.find(a.node);
    if (node == there.end()) return {};
    if (a.role.empty()) {
      node->second->problem = a.state;
      return {};
    }
    answered.insert(a.node);
    const auto rank = std::find(way.begin(), way.end(), a.role) - way.begin();
    add_actor(sums[{static_cast<std::size_t>(rank), a.role, a.node}], a);
    if (a.role == "document" && !a.document.empty())
      p.documents.push_back({a.document, a.node, a.state, a.seconds});
    return {};
  });
  for (auto& [name, n] : there) n->answers = answered.contains(name);
  for (auto& [key, sum] : sums) {
    sum.line.handling_p50_seconds = weighted_median(std::move(sum.medians));
    p.roles.push_back(std::move(sum.line));
  }
  std::sort(p.documents.begin(), p.documents.end(), [](const auto& a, const auto& b) {
    return std::tie(b.seconds, a.uri) < std::tie(a.seconds, b.uri);
  });
  if (p.documents.size() > max_documents) p.documents.resize(max_documents);
  return done;
}

void write_nodes(json::writer& out, const cluster_picture& p) {
  out.key("nodes").begin_array();
  for (const auto& n : p.nodes)
    out.begin_object()
        .field("node", n.name)
        .field("state", n.state)
        .field("answers", n.answers)
        .field("problem", n.problem)
        .field("roles", n.roles)
        .field("leads", n.leads)
        .field("documents", n.documents)
        .field("capacity", n.capacity)
        .field("heartbeat_age_seconds", n.heartbeat_age_seconds)
        .end_object();
  out.end_array();
}

void write_roles(json::writer& out, const cluster_picture& p) {
  out.key("roles").begin_array();
  for (const auto& r : p.roles)
    out.begin_object()
        .field("node", r.node)
        .field("role", r.role)
        .field("actors", r.actors)
        .field("busy", r.busy)
        .field("mailbox_depth", r.mailbox_depth)
        .field("mailbox_limit", r.mailbox_limit)
        .field("fullest_depth", r.fullest_depth)
        .field("fullest_limit", r.fullest_limit)
        .field("mailbox_peak", r.mailbox_peak)
        .field("mailbox_rejected", r.mailbox_rejected)
        .field("demand_available", r.demand_available)
        .field("handling_p50_seconds", r.handling_p50_seconds)
        .field("handling_p99_seconds", r.handling_p99_seconds)
        .field("restarts", r.restarts)
        .end_object();
  out.end_array();
}

}  // namespace

result<cluster_picture> join(const cluster_answers& answers) {
  cluster_picture p;
  if (!answers.cluster.empty())
    if (auto done = json::parse_object(
            answers.cluster,
            {optional("cluster", p.cluster), optional("documents_ended", p.documents_ended)},
            json::unknown_fields::ignored);
        !done)
      return tl::unexpected<error>(done.error());
  if (!answers.queue.empty())
    if (auto done = json::parse_object(answers.queue,
                                       {optional("ready", p.ready), optional("delayed", p.delayed),
                                        optional("leased", p.leased), optional("dead", p.dead)},
                                       json::unknown_fields::ignored);
        !done)
      return tl::unexpected<error>(done.error());
  if (auto done = read_nodes(answers.nodes, p); !done) return tl::unexpected<error>(done.error());
  if (auto done = read_actors(answers.actors, p); !done) return tl::unexpected<error>(done.error());
  return p;
}

void measure_rate(cluster_picture& now, const cluster_picture& before, double seconds) {
  now.documents_per_second.reset();
  if (!now.documents_ended || !before.documents_ended || seconds <= 0) return;
  const auto ended = std::max<std::int64_t>(0, *now.documents_ended - *before.documents_ended);
  now.documents_per_second = static_cast<double>(ended) / seconds;
}

std::string to_json(const cluster_picture& p) {
  json::writer out;
  out.begin_object()
      .field("cluster", p.cluster)
      .field("problem", p.problem)
      .field("documents_ended", p.documents_ended)
      .field("documents_per_second", p.documents_per_second);
  out.key("queue")
      .begin_object()
      .field("ready", p.ready)
      .field("delayed", p.delayed)
      .field("leased", p.leased)
      .field("dead", p.dead)
      .end_object();
  write_nodes(out, p);
  write_roles(out, p);
  out.key("documents").begin_array();
  for (const auto& d : p.documents)
    out.begin_object()
        .field("document", d.uri)
        .field("node", d.node)
        .field("stage", d.stage)
        .field("seconds", d.seconds)
        .end_object();
  out.end_array().end_object();
  return out.take();
}

}  // namespace millrace::cli
