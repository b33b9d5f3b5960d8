// The commands that look: status, documents, search, export, actors, nodes, queue.
#include <cstdio>

#include "app/cli/client.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/text.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

using value = rapidjson::Value;

/// A field as text; "-" where it is null or missing.
std::string cell(const value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || found->value.IsNull()) return "-";
  const auto& v = found->value;
  if (v.IsString()) return v.GetString();
  if (v.IsInt64()) return thousands(v.GetInt64());
  char text[32];
  if (v.IsDouble()) {
    std::snprintf(text, sizeof text, "%.4g", v.GetDouble());
    return text;
  }
  if (v.IsArray()) {
    const auto* separator = std::string_view{name} == "heading_path" ? " > " : ", ";
    std::string joined;
    for (const auto& e : v.GetArray())
      joined += (joined.empty() ? "" : separator) + std::string{e.IsString() ? e.GetString() : ""};
    return joined;
  }
  return v.IsBool() ? (v.GetBool() ? "yes" : "no") : "?";
}

struct column {
  const char* title;
  const char* field;
};

void print_table(const value& array, const std::vector<column>& columns) {
  std::vector<std::vector<std::string>> rows(1);
  for (const auto& c : columns) rows[0].emplace_back(c.title);
  for (const auto& object : array.GetArray()) {
    auto& row = rows.emplace_back();
    for (const auto& c : columns) row.push_back(cell(object, c.field));
  }
  std::fputs(table(rows).c_str(), stdout);
}

/// Gets `target`, and prints it as it is (--json) or by `show`.
template <class Show>
int look(const global_options& global, const std::string& target, Show show) {
  auto api = client::open(global);
  if (!api) return report(api.error());
  const auto answer = (*api)->get(target);
  if (!answer) return report(answer.error());
  if (global.json) {
    std::printf("%s\n", answer->c_str());
    return static_cast<int>(exit::ok);
  }
  const auto parsed = json::parse(*answer);
  if (!parsed) return report(parsed.error());
  show(*parsed);
  return static_cast<int>(exit::ok);
}

void show_dataset(const value& d) {
  for (const auto* field :
       {"dataset", "account", "status", "paused", "total", "ready", "failed", "cancelled",
        "remaining", "chunks", "images", "tokens", "model", "dimensions", "credit_transaction_id",
        "created_at", "finished_at", "eta_seconds"})
    std::printf("%-22s %s\n", field, cell(d, field).c_str());
  const auto failures = d.FindMember("failures");
  if (failures == d.MemberEnd() || failures->value.Empty()) return;
  std::printf("\n");
  print_table(failures->value,
              {{"FAILED BY", "code"}, {"DOCUMENTS", "documents"}, {"EXAMPLE", "example"}});
}

void show_hits(const value& results) {
  if (results.Empty()) std::printf("nothing found\n");
  for (const auto& hit : results.GetArray()) {
    std::printf("%s  %s", cell(hit, "score").c_str(), one_line(cell(hit, "uri"), 200).c_str());
    if (hit["page_from"].GetInt64() > 0) std::printf(", page %s", cell(hit, "page_from").c_str());
    const auto path = cell(hit, "heading_path");
    if (!path.empty() && path != "-") std::printf("  [%s]", one_line(path, 80).c_str());
    std::printf("\n        %s\n", one_line(cell(hit, "text"), 110).c_str());
  }
}

}  // namespace

int status(const global_options& global, const std::string& dataset) {
  if (!dataset.empty())
    return look(global, "/v1/datasets/" + http::percent_encode(dataset),
                [](const auto& d) { show_dataset(d); });
  return look(global, "/v1/datasets", [](const auto& answer) {
    print_table(answer["datasets"], {{"DATASET", "dataset"},
                                     {"STATUS", "status"},
                                     {"TOTAL", "total"},
                                     {"READY", "ready"},
                                     {"FAILED", "failed"},
                                     {"REMAINING", "remaining"},
                                     {"CHUNKS", "chunks"},
                                     {"ETA (s)", "eta_seconds"},
                                     {"CREATED", "created_at"}});
  });
}

int documents(const global_options& global, const std::string& dataset,
              const std::string& status_filter, int limit) {
  const auto target = "/v1/datasets/" + http::percent_encode(dataset) +
                      "/documents?limit=" + std::to_string(limit) +
                      "&status=" + http::percent_encode(status_filter);
  return look(global, target, [](const auto& answer) {
    print_table(answer["documents"], {{"ID", "id"},
                                      {"STATUS", "status"},
                                      {"CHUNKS", "chunks"},
                                      {"URI", "uri"},
                                      {"ERROR", "error_code"},
                                      {"MESSAGE", "error_message"}});
    if (!answer["next"].IsNull() && answer["documents"].Size() > 0)
      std::fprintf(stderr, "millrace: up to %u shown; --limit shows more\n",
                   answer["documents"].Size());
  });
}

int search(const global_options& global, const std::string& dataset, const std::string& words,
           int limit) {
  auto api = client::open(global);
  if (!api) return report(api.error());
  json::writer body;
  body.begin_object()
      .field("dataset", dataset)
      .field("query", words)
      .field("limit", limit)
      .end_object();
  const auto answer = (*api)->post("/v1/search", body.take());
  if (!answer) return report(answer.error());
  if (global.json) {
    std::printf("%s\n", answer->c_str());
    return static_cast<int>(exit::ok);
  }
  const auto parsed = json::parse(*answer);
  if (!parsed) return report(parsed.error());
  show_hits((*parsed)["results"]);
  return static_cast<int>(exit::ok);
}

int export_chunks(const global_options& global, const std::string& dataset) {
  auto api = client::open(global);
  if (!api) return report(api.error());
  const auto streamed = (*api)->stream(
      "/v1/datasets/" + http::percent_encode(dataset) + "/chunks", [](std::string_view piece) {
        return std::fwrite(piece.data(), 1, piece.size(), stdout) ==
               piece.size();  // a closed pipe ends the export
      });
  if (!streamed) return report(streamed.error());
  return static_cast<int>(exit::ok);
}

int actors(const global_options& global, bool cluster) {
  return look(global, cluster ? "/v1/actors?cluster=1" : "/v1/actors", [](const auto& list) {
    if (list.Empty()) std::printf("no node runs, and none has run\n");
    print_table(list, {{"NODE", "node"},
                       {"ROLE", "role"},
                       {"ID", "id"},
                       {"STATE", "state"},
                       {"DEPTH", "mailbox_depth"},
                       {"LIMIT", "mailbox_limit"},
                       {"PEAK", "mailbox_peak"},
                       {"REJECTED", "mailbox_rejected"},
                       {"HANDLED", "handled"},
                       {"P50 (s)", "handling_p50_seconds"},
                       {"P99 (s)", "handling_p99_seconds"},
                       {"RESTARTS", "restarts"},
                       {"DEMAND", "demand_available"},
                       {"DOCUMENT", "document"}});
  });
}

int nodes(const global_options& global) {
  return look(global, "/v1/nodes", [](const auto& list) {
    print_table(list, {{"NODE", "node"},
                       {"STATE", "state"},
                       {"DOCUMENTS", "documents"},
                       {"CAPACITY", "capacity"},
                       {"ADDRESS", "address"},
                       {"ROLES", "roles"},
                       {"HEARTBEAT (s)", "heartbeat_age_seconds"},
                       {"LEADS", "leads"},
                       {"VERSION", "version"}});
  });
}

int queue_state(const global_options& global) {
  return look(global, "/v1/queue", [](const auto& q) {
    for (const auto* field : {"ready", "delayed", "leased", "dead", "oldest_ready_seconds"})
      std::printf("%-22s %s\n", field, cell(q, field).c_str());
  });
}

}  // namespace millrace::cli
