#include "runtime/core/error.hpp"

#include <array>

namespace millrace {

namespace {

struct entry {
  ec code;
  std::string_view name;
  error_kind kind;
};

constexpr std::array entries = {
    entry{ec::none, "none", error_kind::bug},
    entry{ec::mailbox_full, "mailbox_full", error_kind::passing},
    entry{ec::cancelled, "cancelled", error_kind::passing},
    entry{ec::draining, "draining", error_kind::passing},
    entry{ec::timeout, "timeout", error_kind::passing},
    entry{ec::actor_lost, "actor_lost", error_kind::lost},
    entry{ec::resource_exhausted, "resource_exhausted", error_kind::passing},
    entry{ec::internal, "internal", error_kind::bug},
    entry{ec::invalid_argument, "invalid_argument", error_kind::caller},
    entry{ec::invalid_config, "invalid_config", error_kind::caller},
    entry{ec::path_missing, "path_missing", error_kind::caller},
    entry{ec::permission_denied, "permission_denied", error_kind::caller},
    entry{ec::port_taken, "port_taken", error_kind::caller},
    entry{ec::source_missing, "source_missing", error_kind::document},
    entry{ec::source_unreadable, "source_unreadable", error_kind::document},
    entry{ec::role_away, "role_away", error_kind::passing},
    entry{ec::source_away, "source_away", error_kind::passing},
    entry{ec::source_changed, "source_changed", error_kind::bug},
    entry{ec::deadline_exceeded, "deadline_exceeded", error_kind::document},
    entry{ec::unsupported_format, "unsupported_format", error_kind::document},
    entry{ec::encrypted_document, "encrypted_document", error_kind::document},
    entry{ec::malformed_document, "malformed_document", error_kind::document},
    entry{ec::limit_exceeded, "limit_exceeded", error_kind::document},
    entry{ec::extraction_timeout, "extraction_timeout", error_kind::document},
    entry{ec::extraction_memory, "extraction_memory", error_kind::document},
    entry{ec::extraction_crashed, "extraction_crashed", error_kind::document},
    entry{ec::extraction_killed, "extraction_killed", error_kind::lost},
    entry{ec::extractor_missing, "extractor_missing", error_kind::bug},
    entry{ec::partly_read, "partly_read", error_kind::document},
    entry{ec::empty_document, "empty_document", error_kind::document},
    entry{ec::embedding_rejected, "embedding_rejected", error_kind::document},
    entry{ec::embedding_unavailable, "embedding_unavailable", error_kind::bug},
    entry{ec::embedding_paused, "embedding_paused", error_kind::passing},
    entry{ec::database_unavailable, "database_unavailable", error_kind::passing},
    entry{ec::database_timeout, "database_timeout", error_kind::passing},
    entry{ec::database_conflict, "database_conflict", error_kind::passing},
    entry{ec::database_newer, "database_newer", error_kind::caller},
    entry{ec::database_outdated, "database_outdated", error_kind::passing},
    entry{ec::database_error, "database_error", error_kind::bug},
    entry{ec::pool_exhausted, "pool_exhausted", error_kind::passing},
    entry{ec::disk_full, "disk_full", error_kind::passing},
    entry{ec::data_directory, "data_directory", error_kind::caller},
    entry{ec::stale_token, "stale_token", error_kind::lost},
    entry{ec::rejected_row, "rejected_row", error_kind::document},
    entry{ec::insufficient_credits, "insufficient_credits", error_kind::caller},
    entry{ec::unknown_account, "unknown_account", error_kind::caller},
    entry{ec::unknown_transaction, "unknown_transaction", error_kind::caller},
    entry{ec::idempotency_conflict, "idempotency_conflict", error_kind::caller},
    entry{ec::refund_exceeds_charge, "refund_exceeds_charge", error_kind::caller},
    entry{ec::unknown_dataset, "unknown_dataset", error_kind::caller},
    entry{ec::dataset_conflict, "dataset_conflict", error_kind::caller},
    entry{ec::dataset_running, "dataset_running", error_kind::caller},
    entry{ec::dataset_finished, "dataset_finished", error_kind::caller},
    entry{ec::not_found, "not_found", error_kind::caller},
    entry{ec::unauthorized, "unauthorized", error_kind::caller},
    entry{ec::http_unreachable, "http_unreachable", error_kind::passing},
    entry{ec::unknown_node, "unknown_node", error_kind::caller},
    entry{ec::node_refused, "node_refused", error_kind::caller},
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

error_kind kind_of(ec code) {
  return of(code).kind;
}

std::string_view to_string(error_kind kind) {
  switch (kind) {
    case error_kind::caller:
      return "caller";
    case error_kind::document:
      return "document";
    case error_kind::passing:
      return "passing";
    case error_kind::lost:
      return "lost";
    case error_kind::bug:
      break;
  }
  return "bug";
}

}  // namespace millrace
