// A lease: the right of one holder to work on one document until it commits, releases or loses it.
// The token is the fencing token (invariant I2): whoever cannot show it changes nothing.
#pragma once

#include <cstdint>
#include <string>

namespace millrace {

/// After so many losses a document may be what ends its holders: it is a suspect.
inline constexpr std::int32_t suspect_after_losses = 2;

struct lease {
  std::int64_t token = 0;
  std::int64_t document_id = 0;
  std::int64_t dataset_id = 0;
  std::int32_t failures = 0;  ///< Earlier attempts that failed by the document's own fault.
  std::int32_t losses = 0;    ///< Earlier attempts whose holder vanished.
  std::uint64_t size = 0;     ///< Bytes as known at submission.
  std::string uri;
  bool has_checkpoints = false;  ///< An earlier holder left finished pieces of it.

  /// Then it runs alone on its node, and a loss is only counted where it had begun to run: the
  /// documents that were claimed beside the true culprit are cleared, however often it strikes.
  bool is_suspect() const { return losses >= suspect_after_losses; }
};

}  // namespace millrace
