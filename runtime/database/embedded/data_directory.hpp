// The folder behind `database.url = "embedded:DIR"`: its layout, and who owns it.
//
//   DIR/postgres/      PostgreSQL's own data (PGDATA)
//   DIR/postgres.upgrade/  while it moves to another major version (major_upgrade.hpp)
//   DIR/postgres.log   what the server says; the previous one is postgres.log.1
//   DIR/start.lock     held exclusively around every start and stop of the server
//   DIR/holders.lock   held shared by every process that uses the server
//   DIR/watch.lock     held exclusively by the process that ends the server when its last holder
//                      was killed (holder_watch.hpp)
//
// Values; any thread. prepare() and friends touch the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"
#include "runtime/database/embedded/process.hpp"

namespace millrace::postgres {

struct data_directory {
  std::filesystem::path root;  ///< Real path.
  user_account owner;          ///< Whom the server runs as.
  /// The cluster by its descriptor (directory_handle.hpp); empty: the one in `root`.
  std::filesystem::path held_cluster = {};

  std::filesystem::path cluster() const {
    return held_cluster.empty() ? root / "postgres" : held_cluster;
  }
  std::filesystem::path log() const { return root / "postgres.log"; }
  std::filesystem::path start_lock() const { return root / "start.lock"; }
  std::filesystem::path holders_lock() const { return root / "holders.lock"; }
  std::filesystem::path watch_lock() const { return root / "watch.lock"; }

  /// The major version that wrote the cluster; none where there is no cluster yet.
  /// resource_exhausted if this process cannot look now.
  result<std::optional<int>> cluster_version() const;
  std::uint64_t free_bytes() const;
};

/// Makes the directory where it is missing and `create` is true, and finds its owner: whoever owns
/// the cluster, else `postgres` (or `nobody`) when we are root, else us. ec::data_directory with
/// the reason where it cannot be used.
result<data_directory> prepare_data_directory(const std::filesystem::path& path, bool create);

/// Opens the log for appending; over 16 MiB it is moved aside first.
result<unique_fd> open_log(const data_directory& directory);

}  // namespace millrace::postgres
