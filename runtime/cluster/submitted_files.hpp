// Reads pieces of files of this machine for other nodes: only files that were submitted as
// documents, as the database says. A file stays open between its pieces.
//
// One thread; blocks (disk, SQL).
#pragma once

#include <cstdint>
#include <list>
#include <string>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

struct submitted_piece {
  std::string bytes;     ///< Shorter than asked for: the file ends there.
  file_version version;  ///< Of the file now.
};

class submitted_files {
 public:
  static constexpr std::size_t max_open =
      64;  ///< Beyond: the one that was read longest ago closes.

  submitted_files(connection_pool& pool, std::string node) : pool_{pool}, node_{std::move(node)} {}

  /// permission_denied where no document `document_id` has this URI; source_missing and
  /// source_unreadable as when it is extracted here. Offset 0 opens the file anew.
  result<submitted_piece> read(std::int64_t document_id, const std::string& uri,
                               std::uint64_t offset, std::size_t length);

 private:
  struct open_file {
    std::int64_t document_id = 0;
    unique_fd fd;
  };

  result<std::string> path_of(std::int64_t document_id, const std::string& uri);
  result<open_file*> find(std::int64_t document_id, const std::string& uri, bool anew);

  connection_pool& pool_;
  std::string node_;
  std::list<open_file> open_;  ///< The one that was read last first.
};

}  // namespace millrace
