#include "app/api/api.hpp"
#include "runtime/datasets/control.hpp"
#include "runtime/datasets/dataset_reader.hpp"
#include "runtime/http/json.hpp"

namespace millrace {

namespace {

/// Finds the dataset of the path and does `act` with its id.
template <class Act>
http::response with_dataset(const api_services& s, const http::request& r, Act act) {
  const auto dataset = dataset_reader{*s.pool}.find(r.params.at("id"));
  if (!dataset) return http::error_response(dataset.error());
  return answer(act(*dataset));
}

result<std::string> cancel(const api_services& s, const dataset_identity& dataset) {
  const auto cancelled = cancel_dataset(*s.pool, dataset.id);
  if (!cancelled) return tl::unexpected<error>(cancelled.error());
  json::writer out;
  out.begin_object()
      .field("dataset", dataset.name)
      .field("status", "cancelled")
      .field("cancelled", cancelled->documents)
      .field("refunded", cancelled->refunded)
      .end_object();
  return out.take();
}

result<std::string> retry(const api_services& s, const http::request& r,
                          const dataset_identity& dataset) {
  retry_order order{dataset.id, s.config->credits.enabled, s.config->credits.cost_per_document, {}};
  const auto read = json::parse_object(r.body.empty() ? "{}" : r.body,
                                       {json::optional("idempotency_key", order.idempotency_key)});
  if (!read) return tl::unexpected<error>(read.error());
  const auto retried = retry_dataset(*s.pool, order);
  if (!retried) return tl::unexpected<error>(retried.error());
  s.submitted();
  json::writer out;
  out.begin_object()
      .field("dataset", dataset.name)
      .field("retried", retried->documents)
      .field("charged", retried->charged)
      .field("transaction_id", retried->transaction_id == 0
                                   ? std::optional<std::int64_t>{}
                                   : std::optional{retried->transaction_id})
      .field("replayed", retried->replayed)
      .end_object();
  return out.take();
}

result<std::string> set_paused(const api_services& s, const dataset_identity& dataset,
                               bool paused) {
  const auto done =
      paused ? pause_dataset(*s.pool, dataset.id) : resume_dataset(*s.pool, dataset.id);
  if (!done) return tl::unexpected<error>(done.error());
  if (!paused) s.submitted();
  json::writer out;
  out.begin_object().field("dataset", dataset.name).field("paused", paused).end_object();
  return out.take();
}

result<std::string> erase(const api_services& s, const dataset_identity& dataset) {
  const auto erased = erase_dataset(*s.pool, dataset.id);
  if (!erased) return tl::unexpected<error>(erased.error());
  json::writer out;
  out.begin_object().field("dataset", dataset.name).field("deleted", *erased).end_object();
  return out.take();
}

}  // namespace

void add_control_routes(http::router& router, const api_services& s) {
  router.add("POST /v1/datasets/{id}/cancel", [&s](const http::request& r) {
    return with_dataset(s, r, [&](const auto& dataset) { return cancel(s, dataset); });
  });
  router.add("POST /v1/datasets/{id}/retry", [&s](const http::request& r) {
    return with_dataset(s, r, [&](const auto& dataset) { return retry(s, r, dataset); });
  });
  router.add("POST /v1/datasets/{id}/pause", [&s](const http::request& r) {
    return with_dataset(s, r, [&](const auto& dataset) { return set_paused(s, dataset, true); });
  });
  router.add("POST /v1/datasets/{id}/resume", [&s](const http::request& r) {
    return with_dataset(s, r, [&](const auto& dataset) { return set_paused(s, dataset, false); });
  });
  router.add("DELETE /v1/datasets/{id}", [&s](const http::request& r) {
    return with_dataset(s, r, [&](const auto& dataset) { return erase(s, dataset); });
  });
}

}  // namespace millrace
