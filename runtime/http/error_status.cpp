#include "runtime/http/error_status.hpp"

#include <algorithm>
#include <array>

namespace millrace::http {

namespace {

struct exception {
  ec code;
  int status;
};

constexpr std::array exceptions = {
    exception{ec::none, 200},
    exception{ec::partly_read, 200},
    exception{ec::empty_document, 200},
    exception{ec::unauthorized, 401},
    exception{ec::insufficient_credits, 402},
    exception{ec::permission_denied, 403},
    exception{ec::source_unreadable, 403},
    exception{ec::not_found, 404},
    exception{ec::source_missing, 404},
    exception{ec::unknown_account, 404},
    exception{ec::unknown_transaction, 404},
    exception{ec::unknown_dataset, 404},
    exception{ec::unknown_node, 404},
    exception{ec::cancelled, 409},
    exception{ec::idempotency_conflict, 409},
    exception{ec::refund_exceeds_charge, 409},
    exception{ec::dataset_conflict, 409},
    exception{ec::dataset_running, 409},
    exception{ec::dataset_finished, 409},
    exception{ec::node_refused, 409},
    exception{ec::source_changed, 409},
    exception{ec::stale_token, 409},
    exception{ec::limit_exceeded, 413},
    exception{ec::extraction_memory, 413},
    exception{ec::unsupported_format, 415},
    exception{ec::database_newer, 500},  // of the node that answers, not of its client
    exception{ec::data_directory, 500},
    exception{ec::port_taken, 500},
    exception{ec::http_unreachable, 502},
    exception{ec::embedding_unavailable, 503},
    exception{ec::timeout, 504},
    exception{ec::database_timeout, 504},
    exception{ec::extraction_timeout, 504},
    exception{ec::disk_full, 507},
};

}  // namespace

int status_of(ec code) {
  const auto found = std::find_if(exceptions.begin(), exceptions.end(),
                                  [&](const auto& e) { return e.code == code; });
  if (found != exceptions.end()) return found->status;
  switch (kind_of(code)) {
    case error_kind::caller:
      return 400;
    case error_kind::document:
      return 422;
    case error_kind::passing:
    case error_kind::lost:
      return 503;
    case error_kind::bug:
      break;
  }
  return 500;
}

}  // namespace millrace::http
