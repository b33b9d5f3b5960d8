// The API (design §7): one router, used behind the node's HTTP server and in process by commands.
#pragma once

#include "app/api/services.hpp"
#include "app/api/submit_paths.hpp"
#include "runtime/http/router.hpp"

namespace millrace {

/// `services` must outlive the router.
http::router make_api(const api_services& services);

// The groups it is made of.
void add_dataset_routes(http::router& router, const api_services& services);
void add_upload_routes(http::router& router, const api_services& services);
void add_control_routes(http::router& router, const api_services& services);
void add_credit_routes(http::router& router, const api_services& services);
void add_operation_routes(http::router& router, const api_services& services);

/// What a submission through this node is made of, without its paths.
paths_order new_order(const api_services& services);

/// {"error":…} or the JSON text.
http::response answer(const result<std::string>& json);

}  // namespace millrace
