#include "app/api/api.hpp"

namespace millrace {

http::response answer(const result<std::string>& json) {
  if (!json) return http::error_response(json.error());
  http::response response;
  response.body = *json;
  return response;
}

paths_order new_order(const api_services& s) {
  paths_order order;
  order.disk = s.disk;
  order.shared = s.config->sources.shared;
  order.submit.account = ledger::default_account;
  order.submit.model = s.provider->model();
  order.submit.dimensions = s.provider->dimensions();
  order.submit.options = document_options(*s.config);
  order.submit.charge = s.config->credits.enabled;
  order.submit.cost_per_document = s.config->credits.cost_per_document;
  order.submit.initial_grant = s.config->credits.initial_grant;
  return order;
}

http::router make_api(const api_services& services) {
  http::router router;
  add_dataset_routes(router, services);
  add_upload_routes(router, services);
  add_control_routes(router, services);
  add_credit_routes(router, services);
  add_operation_routes(router, services);
  return router;
}

}  // namespace millrace
