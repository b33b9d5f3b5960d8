// The commands that steer a dataset: cancel, retry, pause, resume, delete.
#include <cstdio>

#include "app/cli/client.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/text.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

using value = rapidjson::Value;

/// Sends the order and prints the answer as it is (--json) or by `show`.
template <class Show>
int steer(const global_options& global, const std::string& dataset, const char* action,
          const std::string& body, Show show) {
  auto api = client::open(global);
  if (!api) return report(api.error());
  const auto target = "/v1/datasets/" + http::percent_encode(dataset);
  const auto answer =
      *action == '\0' ? (*api)->erase(target) : (*api)->post(target + "/" + action, body);
  if (!answer) return report(answer.error());
  if (global.json) {
    std::printf("%s\n", answer->c_str());
    return static_cast<int>(exit::ok);
  }
  const auto parsed = json::parse(*answer);
  if (!parsed) return report(parsed.error());
  std::printf("dataset %s: ", (*parsed)["dataset"].GetString());
  show(*parsed);
  return static_cast<int>(exit::ok);
}

std::string documents(const value& count) {
  return thousands(count.GetInt64()) + (count.GetInt64() == 1 ? " document" : " documents");
}

std::string credits(const value& count) {
  return thousands(count.GetInt64()) + (count.GetInt64() == 1 ? " credit" : " credits");
}

}  // namespace

int cancel(const global_options& global, const std::string& dataset) {
  return steer(global, dataset, "cancel", "", [](const value& a) {
    std::printf("%s cancelled, %s refunded\n", documents(a["cancelled"]).c_str(),
                credits(a["refunded"]).c_str());
  });
}

int retry(const global_options& global, const std::string& dataset, const std::string& key) {
  json::writer body;
  body.begin_object().field("idempotency_key", key).end_object();
  return steer(global, dataset, "retry", body.take(), [](const value& a) {
    std::printf("%s queued again%s, %s charged\n", documents(a["retried"]).c_str(),
                a["replayed"].GetBool() ? " by an earlier retry with this key" : "",
                credits(a["charged"]).c_str());
  });
}

int pause(const global_options& global, const std::string& dataset) {
  return steer(global, dataset, "pause", "",
               [](const value&) { std::printf("paused; documents in work end\n"); });
}

int resume(const global_options& global, const std::string& dataset) {
  return steer(global, dataset, "resume", "", [](const value&) { std::printf("resumed\n"); });
}

int erase(const global_options& global, const std::string& dataset) {
  return steer(global, dataset, "", "", [](const value& a) {
    std::printf("deleted, with %s; its credit transactions stay\n",
                documents(a["deleted"]).c_str());
  });
}

}  // namespace millrace::cli
