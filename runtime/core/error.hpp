// What can go wrong, as a code that programs compare and a sentence that a user can act on.
// Functions of runtime/ return result<T>; exceptions of libraries stop at the boundary of the
// folder that calls them.
//
// One table (error.cpp) gives each code its kind. Everything else follows from the kind: whether a
// document is tried again and what that costs it (queue/attempt_policy), whether a group commit is
// repeated or split (commit/), the HTTP status (http/error_status) and a command's exit code
// (app/cli/options).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace millrace {

/// Whose fault an error is.
enum class error_kind : std::uint8_t {
  /// The request, the command line or the configuration: wrong, or in conflict with what is there.
  /// Repeating it changes nothing.
  caller,
  /// The document: another attempt would end the same.
  document,
  /// A shared resource is busy, full or away: repeated after a pause, and nobody is blamed.
  passing,
  /// Whoever worked on it is gone: repeated by somebody else, counted as a loss.
  lost,
  /// Neither caller nor document: our code, the installation or a service that keeps failing.
  /// Repeated, and counted as a failure of the attempt, because waiting alone may not help.
  bug,
};

/// Error codes. Their names (to_string) are what users see in `documents.error_code`; the numbers
/// are internal.
enum class ec : std::uint8_t {
  none = 0,
  // Flow and life cycle.
  mailbox_full,  ///< The actor holds as many requests as its mailbox limit; ask again with less
                 ///< demand.
  cancelled,
  draining,
  timeout,     ///< Somebody did not answer in time; whether the order was carried out is unknown.
  actor_lost,  ///< The actor that was asked is down. Made only by from_caf() and by ending actors.
  resource_exhausted,  ///< This process has no descriptors or memory left for it right now.
  internal,            ///< A bug: the message says where.
  // Use of the program.
  invalid_argument,
  invalid_config,
  path_missing,
  permission_denied,
  port_taken,
  // Documents; each ends `failed` with one of these.
  source_missing,
  source_unreadable,
  role_away,          ///< No node that would do this stage is there: the document waits for one.
  source_away,        ///< The node that has the file does not answer: the document waits for it.
  source_changed,     ///< The file was changed while it was read: it is read again.
  deadline_exceeded,  ///< documents.deadline is over: of work, or without any progress.
  unsupported_format,
  encrypted_document,
  malformed_document,
  limit_exceeded,
  extraction_timeout,
  extraction_memory,
  extraction_crashed,
  extraction_killed,  ///< Somebody outside of this program kills its parsers.
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
  database_conflict,  ///< Deadlock or serialization failure: the transaction was rolled back.
  database_newer,
  database_outdated,  ///< Its schema lacks what this program uses: it must be migrated.
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

/// The kind of `code`. ec::none counts as `bug`: no error should be judged by it.
error_kind kind_of(ec code);
std::string_view to_string(error_kind kind);

struct error {
  ec code = ec::internal;
  std::string
      message;  ///< What happened, to what, and what to do. No trailing period needed, no newline.
};

template <class T>
using result = tl::expected<T, error>;

/// Errors that may end differently without anybody changing anything, and blame no document.
inline bool passes(const error& e) {
  return kind_of(e.code) == error_kind::passing;
}

inline tl::unexpected<error> fail(ec code, std::string message) {
  return tl::unexpected<error>(error{code, std::move(message)});
}

}  // namespace millrace
