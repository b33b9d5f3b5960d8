#include "runtime/core/error.hpp"

#include <array>

namespace millrace {

namespace {

struct entry {
  ec code;
  std::string_view name;
  int exit_code;
  int http_status;
  bool retryable;
};

constexpr std::array entries = {
    entry{ec::none, "none", 0, 200, false},
    entry{ec::mailbox_full, "mailbox_full", 1, 503, true},
    entry{ec::cancelled, "cancelled", 1, 409, false},
    entry{ec::draining, "draining", 1, 503, true},
    entry{ec::timeout, "timeout", 1, 504, true},
    entry{ec::internal, "internal", 1, 500, true},
    entry{ec::invalid_argument, "invalid_argument", 2, 400, false},
    entry{ec::invalid_config, "invalid_config", 2, 400, false},
    entry{ec::path_missing, "path_missing", 2, 400, false},
    entry{ec::permission_denied, "permission_denied", 1, 403, false},
    entry{ec::port_taken, "port_taken", 1, 500, false},
    entry{ec::source_missing, "source_missing", 1, 404, false},
    entry{ec::source_unreadable, "source_unreadable", 1, 403, false},
    entry{ec::role_away, "role_away", 1, 503, true},
    entry{ec::source_away, "source_away", 1, 503, true},
    entry{ec::source_changed, "source_changed", 1, 409, true},
    entry{ec::unsupported_format, "unsupported_format", 1, 415, false},
    entry{ec::encrypted_document, "encrypted_document", 1, 422, false},
    entry{ec::malformed_document, "malformed_document", 1, 422, false},
    entry{ec::limit_exceeded, "limit_exceeded", 1, 413, false},
    entry{ec::extraction_timeout, "extraction_timeout", 1, 504, true},
    entry{ec::extraction_memory, "extraction_memory", 1, 413, false},
    entry{ec::extraction_crashed, "extraction_crashed", 1, 500, true},
    entry{ec::extractor_missing, "extractor_missing", 1, 500, true},
    entry{ec::partly_read, "partly_read", 0, 200, false},
    entry{ec::empty_document, "empty_document", 0, 200, false},
    entry{ec::embedding_rejected, "embedding_rejected", 1, 422, false},
    entry{ec::embedding_unavailable, "embedding_unavailable", 1, 503, true},
    entry{ec::embedding_paused, "embedding_paused", 1, 503, true},
    entry{ec::database_unavailable, "database_unavailable", 1, 503, true},
    entry{ec::database_timeout, "database_timeout", 1, 504, true},
    entry{ec::database_newer, "database_newer", 1, 500, false},
    entry{ec::database_error, "database_error", 1, 500, true},
    entry{ec::pool_exhausted, "pool_exhausted", 1, 503, true},
    entry{ec::disk_full, "disk_full", 1, 507, true},
    entry{ec::data_directory, "data_directory", 1, 500, false},
    entry{ec::stale_token, "stale_token", 1, 409, false},
    entry{ec::rejected_row, "rejected_row", 1, 422, false},
    entry{ec::insufficient_credits, "insufficient_credits", 1, 402, false},
    entry{ec::unknown_account, "unknown_account", 1, 404, false},
    entry{ec::unknown_transaction, "unknown_transaction", 1, 404, false},
    entry{ec::idempotency_conflict, "idempotency_conflict", 1, 409, false},
    entry{ec::refund_exceeds_charge, "refund_exceeds_charge", 1, 409, false},
    entry{ec::unknown_dataset, "unknown_dataset", 1, 404, false},
    entry{ec::dataset_conflict, "dataset_conflict", 1, 409, false},
    entry{ec::dataset_running, "dataset_running", 1, 409, false},
    entry{ec::dataset_finished, "dataset_finished", 1, 409, false},
    entry{ec::not_found, "not_found", 1, 404, false},
    entry{ec::unauthorized, "unauthorized", 1, 401, false},
    entry{ec::http_unreachable, "http_unreachable", 1, 502, true},
    entry{ec::unknown_node, "unknown_node", 1, 404, false},
    entry{ec::node_refused, "node_refused", 1, 409, false},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (static_cast<std::size_t>(entries[i].code) != i) return false;
  return true;
}
static_assert(in_order(), "entries are indexed by code");

const entry& of(ec code) {
  const auto index = static_cast<std::size_t>(code);
  return index < entries.size() ? entries[index] : entries[static_cast<std::size_t>(ec::internal)];
}

}  // namespace

std::string_view to_string(ec code) {
  return of(code).name;
}

ec ec_from_string(std::string_view name) {
  for (const auto& e : entries)
    if (e.name == name) return e.code;
  return ec::none;
}

bool is_retryable(ec code) {
  return of(code).retryable;
}
int exit_code(ec code) {
  return of(code).exit_code;
}
int http_status(ec code) {
  return of(code).http_status;
}

}  // namespace millrace
