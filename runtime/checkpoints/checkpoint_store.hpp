// Finished pieces of expensive documents in PostgreSQL. Only the holder of a document's token may
// save; a piece is found again only under the key of what it was made of; the document's commit
// removes all of them (group_commit.cpp).
//
// Thread-safe; blocks. A piece over a limit is skipped, and the document goes on without it.
#pragma once

#include <cstdint>
#include <string>

#include "config/settings.hpp"
#include "runtime/checkpoints/pieces.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

struct checkpoint_order {
  std::int64_t token = 0;
  std::int64_t document_id = 0;
  std::string key;  ///< checkpoint_key()
  piece_kind kind = piece_kind::embeddings;
  std::size_t number = 0;  ///< See piece_kind.
  std::string content;     ///< Of the segment.
};

enum class checkpoint_outcome : std::uint8_t {
  saved,
  skipped,  ///< Over checkpoints.max_size or checkpoints.max_total.
  stale,    ///< The lease is somebody else's: nothing was written.
};

struct saved_checkpoint {
  checkpoint_outcome outcome = checkpoint_outcome::saved;
  std::uint64_t bytes = 0;           ///< Compressed; 0 where nothing was saved.
  std::uint64_t document_bytes = 0;  ///< Of all pieces of the document, with this one.
};

class checkpoint_store {
 public:
  checkpoint_store(connection_pool& pool, checkpoints_settings limits, duration visibility_timeout)
      : pool_{pool}, limits_{limits}, visibility_timeout_{visibility_timeout} {}

  /// Saves a piece and, because this is progress, gives the lease its whole time again. max_total
  /// is looked at before each piece, so nodes that save at the same instant may pass it by one
  /// piece each.
  result<saved_checkpoint> save(const checkpoint_order& order);
  /// The pieces of this key. What is damaged is left out.
  result<saved_pieces> load(std::int64_t document_id, const std::string& key);
  /// Removes what no document in the queue will ask for any more; how many pieces.
  result<std::int64_t> sweep();

 private:
  connection_pool& pool_;
  checkpoints_settings limits_;
  duration visibility_timeout_;
};

}  // namespace millrace
