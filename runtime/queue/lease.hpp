// A lease: the right of one holder to work on one document until it commits, releases or loses it.
// The token is the fencing token (invariant I2): whoever cannot show it changes nothing.
#pragma once

#include <cstdint>
#include <string>

namespace millrace {

struct lease {
  std::int64_t token = 0;
  std::int64_t document_id = 0;
  std::int64_t dataset_id = 0;
  std::int32_t failures = 0;  ///< Earlier attempts that failed by the document's own fault.
  std::int32_t losses = 0;    ///< Earlier attempts whose holder vanished.
  std::uint64_t size = 0;     ///< Bytes as known at submission.
  std::string uri;
};

}  // namespace millrace
