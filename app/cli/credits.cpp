// `millrace credits …`
#include <cstdio>

#include "app/cli/client.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/text.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

/// Posts an order and prints the receipt.
int order(const global_options& global, const std::string& target, const std::string& body) {
  auto api = client::open(global);
  if (!api) return report(api.error());
  const auto answer = (*api)->post(target, body);
  if (!answer) return report(answer.error());
  if (global.json) {
    std::printf("%s\n", answer->c_str());
    return static_cast<int>(exit::ok);
  }
  std::int64_t transaction = 0, amount = 0, balance = 0;
  bool replayed = false;
  const auto read = json::parse_object(
      *answer, {json::required("transaction_id", transaction), json::required("amount", amount),
                json::required("balance", balance), json::required("replayed", replayed)});
  if (!read) return report(read.error());
  std::printf("transaction %lld: %s credits, balance %s%s\n", static_cast<long long>(transaction),
              thousands(amount).c_str(), thousands(balance).c_str(),
              replayed ? " (this was done before; nothing moved now)" : "");
  return static_cast<int>(exit::ok);
}

void add_key(json::writer& out, const std::string& key) {
  if (!key.empty()) out.field("idempotency_key", key);
}

}  // namespace

int credits_balance(const global_options& global, const std::string& account) {
  auto api = client::open(global);
  if (!api) return report(api.error());
  const auto answer = (*api)->get("/v1/credits/" + http::percent_encode(account));
  if (!answer) return report(answer.error());
  std::int64_t balance = 0;
  std::string name;
  if (auto read = json::parse_object(
          *answer, {json::required("account", name), json::required("balance", balance)});
      !read)
    return report(read.error());
  std::printf("%s\n", global.json ? answer->c_str()
                                  : (name + ": " + thousands(balance) + " credits").c_str());
  return static_cast<int>(exit::ok);
}

int credits_history(const global_options& global, const std::string& account, int limit) {
  auto api = client::open(global);
  if (!api) return report(api.error());
  const auto answer = (*api)->get("/v1/credits/" + http::percent_encode(account) +
                                  "/history?limit=" + std::to_string(limit));
  if (!answer) return report(answer.error());
  if (global.json) {
    std::printf("%s\n", answer->c_str());
    return static_cast<int>(exit::ok);
  }
  const auto parsed = json::parse(*answer);
  if (!parsed) return report(parsed.error());
  std::vector<std::vector<std::string>> rows{{"ID", "TIME", "TYPE", "AMOUNT", "DESCRIPTION"}};
  for (const auto& t : (*parsed)["transactions"].GetArray())
    rows.push_back({std::to_string(t["id"].GetInt64()), t["created_at"].GetString(),
                    t["type"].GetString(), thousands(t["amount"].GetInt64()),
                    t["description"].GetString()});
  std::fputs(table(rows).c_str(), stdout);
  return static_cast<int>(exit::ok);
}

int credits_grant(const global_options& global, const std::string& account, std::int64_t amount,
                  const std::string& key) {
  json::writer body;
  body.begin_object().field("account", account).field("amount", amount);
  add_key(body, key);
  body.end_object();
  return order(global, "/v1/credits/grant", body.take());
}

int credits_deduct(const global_options& global, const std::string& account, std::int64_t count,
                   std::int64_t cost, const std::string& key) {
  json::writer body;
  body.begin_object().field("account", account).field("document_count", count);
  if (cost > 0) body.field("cost_per_document", cost);
  add_key(body, key);
  body.end_object();
  return order(global, "/v1/credits/deduct-batch", body.take());
}

int credits_refund(const global_options& global, std::int64_t transaction, std::int64_t count) {
  json::writer body;
  body.begin_object()
      .field("transaction_id", transaction)
      .field("failed_count", count)
      .end_object();
  return order(global, "/v1/credits/refund", body.take());
}

}  // namespace millrace::cli
