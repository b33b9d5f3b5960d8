// What a document actor hands to the committer: everything that becomes visible of one document in
// one transaction (invariant I1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/commit/embedding_store.hpp"
#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/queue/lease.hpp"

namespace millrace {

/// An image that was kept, and what was read from it.
struct image_record {
  std::uint32_t page = 0;
  image_info info;
  std::string text;  ///< Alternative text, OCR, caption.
};

struct document_result {
  std::int64_t token = 0;
  std::int64_t document_id = 0;
  std::int64_t dataset_id = 0;
  std::int32_t failures = 0;  ///< As leased; for the dead letter.
  std::int32_t losses = 0;
  ec failure = ec::none;  ///< ec::none: `ready`; else the document ends `failed` with this code.
  std::string failure_message;
  /// Of a document that is `ready`: stands in the same columns as a failure.
  document_warning warning{ec::none, {}};
  bool dead_letter = false;  ///< Attempts used up, rather than refused by its parser at once.
  std::string mime;
  std::string sha256;  ///< Hex; empty where the bytes were never read.
  std::uint64_t size = 0;
  std::uint32_t pages = 0;
  std::string options;  ///< What decides the outcome besides the bytes, e.g. "chunk=512/64".
  std::vector<chunk> chunks;
  embedding_store embeddings;  ///< One per chunk.
  std::vector<image_record> images;

  document_result() = default;
  /// With the identity and the counters of the lease that it ends.
  explicit document_result(const lease& work);

  /// What it weighs against byte grants: its memory.
  std::uint64_t bytes() const;
  std::uint64_t tokens() const;
};

}  // namespace millrace
