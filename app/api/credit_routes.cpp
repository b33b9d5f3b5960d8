#include "app/api/api.hpp"
#include "runtime/http/json.hpp"

namespace millrace {

namespace {

result<std::string> to_json(const result<ledger::receipt>& receipt) {
  if (!receipt) return tl::unexpected<error>(receipt.error());
  json::writer out;
  out.begin_object()
      .field("transaction_id", receipt->transaction_id)
      .field("amount", receipt->amount)
      .field("balance", receipt->balance)
      .field("replayed", receipt->replayed)
      .end_object();
  return out.take();
}

http::response deduct(const api_services& s, const http::request& r) {
  ledger::deduction order;
  order.account = ledger::default_account;
  order.cost_per_document = s.config->credits.cost_per_document;
  order.description = "batch deduction";
  const auto read =
      json::parse_object(r.body, {json::optional("account", order.account),
                                  json::required("document_count", order.documents),
                                  json::optional("cost_per_document", order.cost_per_document),
                                  json::optional("description", order.description),
                                  json::optional("idempotency_key", order.idempotency_key)});
  if (!read) return http::error_response(read.error());
  return answer(to_json(s.deduct(order)));
}

http::response refund(const api_services& s, const http::request& r) {
  ledger::refund_order order;
  const auto read =
      json::parse_object(r.body, {json::required("transaction_id", order.transaction_id),
                                  json::required("failed_count", order.failed_count),
                                  json::optional("idempotency_key", order.idempotency_key)});
  if (!read) return http::error_response(read.error());
  return answer(to_json(s.refund(order)));
}

http::response grant(const api_services& s, const http::request& r) {
  ledger::grant_order order;
  order.account = ledger::default_account;
  order.description = "grant";
  const auto read = json::parse_object(
      r.body, {json::optional("account", order.account), json::required("amount", order.amount),
               json::optional("description", order.description),
               json::optional("idempotency_key", order.idempotency_key)});
  if (!read) return http::error_response(read.error());
  return answer(to_json(s.grant(order)));
}

result<std::string> balance_json(const api_services& s, const std::string& account) {
  return s.pool->transact("ledger", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    const auto balance = ledger::balance(tx, account);
    if (!balance) return tl::unexpected<error>(balance.error());
    json::writer out;
    out.begin_object().field("account", account).field("balance", *balance).end_object();
    return out.take();
  });
}

result<std::string> history_json(const api_services& s, const http::request& r) {
  std::int64_t before = 0;
  int limit = 100;
  if (const auto found = r.query.find("before"); found != r.query.end())
    before = std::atoll(found->second.c_str());
  if (const auto found = r.query.find("limit"); found != r.query.end())
    limit = std::atoi(found->second.c_str());
  return s.pool->transact("ledger", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    const auto entries = ledger::history(tx, r.params.at("account"), before, limit);
    if (!entries) return tl::unexpected<error>(entries.error());
    json::writer out;
    out.begin_object().key("transactions").begin_array();
    for (const auto& e : *entries)
      out.begin_object()
          .field("id", e.id)
          .field("type", e.type)
          .field("amount", e.amount)
          .field("description", e.description)
          .field("metadata", json::raw{e.metadata})
          .field("created_at", e.created_at)
          .end_object();
    out.end_array().end_object();
    return out.take();
  });
}

}  // namespace

void add_credit_routes(http::router& router, const api_services& s) {
  router.add("POST /v1/credits/deduct-batch",
             [&s](const http::request& r) { return deduct(s, r); });
  router.add("POST /v1/credits/refund", [&s](const http::request& r) { return refund(s, r); });
  router.add("POST /v1/credits/grant", [&s](const http::request& r) { return grant(s, r); });
  router.add("GET /v1/credits/{account}", [&s](const http::request& r) {
    return answer(balance_json(s, r.params.at("account")));
  });
  router.add("GET /v1/credits/{account}/history",
             [&s](const http::request& r) { return answer(history_json(s, r)); });
}

}  // namespace millrace
