#include "app/api/api.hpp"

namespace millrace {

http::response answer(const result<std::string>& json) {
  if (!json) return http::error_response(json.error());
  http::response response;
  response.body = *json;
  return response;
}

http::router make_api(const api_services& services) {
  http::router router;
  add_dataset_routes(router, services);
  add_control_routes(router, services);
  add_credit_routes(router, services);
  add_operation_routes(router, services);
  return router;
}

}  // namespace millrace
