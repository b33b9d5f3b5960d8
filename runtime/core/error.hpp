// What can go wrong, as a code that programs compare and a sentence that a user can act on.
// Functions of runtime/ return result<T>; exceptions of libraries stop at the boundary of the
// folder that calls them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace millrace {

/// Error codes. Their names (to_string) are what users see in `documents.error_code`; the numbers
/// are internal.
enum class ec : std::uint8_t {
  none = 0,
  // Flow and life cycle.
  mailbox_full,  ///< The actor holds as many requests as its mailbox limit; ask again with less
                 ///< demand.
  cancelled,
  draining,
  timeout,
  internal,  ///< A bug: the message says where.
  // Use of the program.
  invalid_argument,
  invalid_config,
  path_missing,
  permission_denied,
  port_taken,
  // Documents; each ends `failed` with one of these.
  source_missing,
  source_unreadable,
  role_away,       ///< No node that would do this stage is there: the document waits for one.
  source_away,     ///< The node that has the file does not answer: the document waits for it.
  source_changed,  ///< The file was changed while it was read: it is read again.
  unsupported_format,
  encrypted_document,
  malformed_document,
  limit_exceeded,
  extraction_timeout,
  extraction_memory,
  extraction_crashed,
  extractor_missing,  ///< The extractor could not be started at all.
  // Warnings of documents that are `ready`.
  partly_read,     ///< Damaged or cut off: what could be read is there.
  empty_document,  ///< Nothing in it to search.
  // Embedding.
  embedding_rejected,     ///< The provider refuses this input.
  embedding_unavailable,  ///< Attempts used up.
  embedding_paused,       ///< Quota or credentials: claims pause, no document fails.
  // Database.
  database_unavailable,
  database_timeout,
  database_newer,
  database_error,
  pool_exhausted,
  disk_full,
  data_directory,
  stale_token,   ///< The lease is somebody else's now; nothing was changed.
  rejected_row,  ///< The database refuses this document's rows.
  // Money.
  insufficient_credits,
  unknown_account,
  unknown_transaction,
  idempotency_conflict,
  refund_exceeds_charge,
  // Datasets.
  unknown_dataset,
  dataset_conflict,
  dataset_running,   ///< It has not ended yet.
  dataset_finished,  ///< It has ended already.
  // HTTP.
  not_found,
  unauthorized,
  http_unreachable,
  // Nodes.
  unknown_node,
  node_refused,  ///< Two nodes that must not work together.
};

std::string_view to_string(ec code);
/// The code of this name, ec::none where there is none.
ec ec_from_string(std::string_view name);

/// True where trying the same document again may end differently.
bool is_retryable(ec code);

/// The process's exit code for an error that ends a command: 2 for usage and configuration, else 1
/// (design §7).
int exit_code(ec code);

/// The HTTP status that an error is answered with.
int http_status(ec code);

struct error {
  ec code = ec::internal;
  std::string
      message;  ///< What happened, to what, and what to do. No trailing period needed, no newline.
};

template <class T>
using result = tl::expected<T, error>;

inline tl::unexpected<error> fail(ec code, std::string message) {
  return tl::unexpected<error>(error{code, std::move(message)});
}

}  // namespace millrace
