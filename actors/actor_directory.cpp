#include "actors/actor_directory.hpp"

#include <algorithm>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace millrace {

void actor_probe::carry(std::string what, std::string state) {
  const std::lock_guard lock{mutex_};
  load_ = {std::move(what), std::move(state), clock::now()};
}

actor_probe::load actor_probe::current() const {
  const std::lock_guard lock{mutex_};
  return load_;
}

bool gives_demand(const actor_probe& p) {
  return p.role == "embedder" || p.role == "committer" || p.role == "image_desk" ||
         p.role == "queue_puller";
}

void actor_directory::enter(const std::shared_ptr<actor_probe>& probe) {
  const std::lock_guard lock{mutex_};
  std::erase_if(probes_, [](const auto& p) { return p.expired(); });
  probes_.push_back(probe);
}

std::vector<std::shared_ptr<actor_probe>> actor_directory::list() const {
  std::vector<std::shared_ptr<actor_probe>> alive;
  const std::lock_guard lock{mutex_};
  for (const auto& p : probes_)
    if (auto probe = p.lock()) alive.push_back(std::move(probe));
  return alive;
}

namespace {

double seconds(std::chrono::nanoseconds t) {
  return std::chrono::duration<double>(t).count();
}

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

void text(json_writer& out, const char* key, const std::string& value) {
  out.Key(key);
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void number(json_writer& out, const char* key, std::uint64_t value) {
  out.Key(key);
  out.Uint64(value);
}

void write_probe(json_writer& out, const std::string& node, const actor_probe& p) {
  const auto load = p.current();
  const auto handling = p.handling.snapshot();
  out.StartObject();
  text(out, "node", node);
  text(out, "role", p.role);
  number(out, "id", p.actor_id);
  text(out, "state", load.state);
  number(out, "mailbox_depth", static_cast<std::uint64_t>(std::max(0, p.depth.load())));
  number(out, "mailbox_limit", static_cast<std::uint64_t>(p.limit));
  number(out, "mailbox_peak", static_cast<std::uint64_t>(p.peak.load()));
  number(out, "mailbox_rejected", p.rejected);
  number(out, "handled", p.handled);
  out.Key("handling_p50_seconds");
  out.Double(seconds(handling.quantile(0.5)));
  out.Key("handling_p99_seconds");
  out.Double(seconds(handling.quantile(0.99)));
  number(out, "restarts", p.restarts);
  out.Key("demand_available");
  if (gives_demand(p))
    out.Int64(p.demand_available);
  else
    out.Null();
  out.Key("document");
  if (load.carrying.empty())
    out.Null();
  else
    out.String(load.carrying.data(), static_cast<rapidjson::SizeType>(load.carrying.size()));
  out.Key("seconds_in_state");
  out.Double(seconds(actor_probe::clock::now() - load.since));
  out.EndObject();
}

}  // namespace

std::string actor_directory::json() const {
  auto probes = list();
  std::sort(probes.begin(), probes.end(), [](const auto& a, const auto& b) {
    return std::tie(a->role, a->actor_id) < std::tie(b->role, b->actor_id);
  });
  rapidjson::StringBuffer buffer;
  json_writer out{buffer};
  out.SetMaxDecimalPlaces(6);
  out.StartArray();
  for (const auto& p : probes) write_probe(out, node_, *p);
  out.EndArray();
  return buffer.GetString();
}

std::uint64_t actor_directory::documents_in_flight() const {
  std::uint64_t count = 0;
  for (const auto& probe : list())
    count += probe->held + (probe->role == "document" && !probe->current().carrying.empty());
  return count;
}

}  // namespace millrace
