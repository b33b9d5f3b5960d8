// Commits many documents in one transaction: chunks, images, document rows, acknowledgement (the
// lease's end), refunds and progress change together or not at all (I1), and only for documents
// whose token still holds (I2).
//
// Blocks. Repeating a group after a lost answer is safe: documents that are already committed are
// recognised by documents.commit_token and reported as committed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/commit/document_result.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

inline constexpr std::size_t default_statement_bytes = 16U << 20;

enum class commit_outcome : std::uint8_t {
  committed,
  stale,      ///< The lease is somebody else's: nothing of this document was written.
  rejected,   ///< The database refuses its rows; it was committed as failed(rejected_row) instead.
  unwritten,  ///< It alone cannot be committed, not even as failed: its lease is still held.
};

struct committed_document {
  std::int64_t token = 0;
  std::int64_t document_id = 0;
  std::int64_t dataset_id = 0;
  commit_outcome outcome = commit_outcome::committed;
  bool ready = false;
  std::int32_t failures = 0;   ///< Of the lease.
  error reason{ec::none, {}};  ///< Of one that is rejected or unwritten.
};

struct group_report {
  std::vector<committed_document> documents;  ///< One per input, in input order.
  std::int64_t refunded = 0;                  ///< Credits.
  int transactions = 0;                       ///< Successful ones: more than 1 after a bisection.
};

/// An error that may be of one document (of kind `document` or `bug`: rows that the database
/// refuses, a scratch file that cannot be read) bisects the group until only the culprit is left:
/// it is rejected or stays unwritten. Other errors (of kind `passing`: the database is away, busy
/// or out of something, a deadlock) leave the whole group undecided: call again with the same
/// group. Rows of chunks and images are sent in statements of about `statement_bytes`: a result of
/// any size is written without a copy of that size, and under the server's 1 GiB for one value.
result<group_report> commit_group(connection_pool& pool, const std::string& node,
                                  std::span<document_result> group,
                                  std::size_t statement_bytes = default_statement_bytes);

/// True for errors that pass by themselves as a rule, but of which one document may be the reason
/// every time: its rows time out or need too much memory, or somebody has locked them.
bool may_pass_without_one(ec code);

/// For a group that met such an error again and again: bisects it for that as well. What alone
/// meets it stays unwritten.
result<group_report> commit_apart(connection_pool& pool, const std::string& node,
                                  std::span<document_result> group,
                                  std::size_t statement_bytes = default_statement_bytes);

}  // namespace millrace
