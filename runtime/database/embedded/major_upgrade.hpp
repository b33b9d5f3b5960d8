// The embedded database moved to another major version of PostgreSQL, by its own pg_upgrade. The
// programs of both versions must be installed.
//
//   DIR/postgres.upgrade/           a data directory of the new version while it is made
//   DIR/postgres.upgrade/postgres/  it takes the place of DIR/postgres, in one exchange, once all
//                                   of it was checked; then this is the former one, and goes
//
// Killed at any instant, DIR/postgres is either the former cluster, untouched, or the new one,
// checked. What is left of an attempt, processes too, goes with the next start. Who may connect
// (pg_hba.conf, pg_ident.conf) comes along; postgresql.conf and ALTER SYSTEM begin anew. Blocks for
// as long as copying the files takes.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "runtime/core/error.hpp"
#include "runtime/database/embedded/data_directory.hpp"
#include "runtime/database/file_lock.hpp"

namespace millrace {

struct upgraded_versions {
  int from = 0;
  int to = 0;  ///< The same: there was nothing to do.
};

/// `to`: none is the newest installed one. `stop` is asked ten times a second while the files are
/// copied, and between the other steps; true ends it with ec::cancelled. invalid_argument for a
/// version that is not supported; data_directory where a version's programs are missing, where
/// processes use the database, or with pg_upgrade's own words, all of which DIR/postgres.log has
/// then; disk_full; database_error where the new cluster does not hold what the former one does.
result<upgraded_versions> upgrade_database(const std::filesystem::path& data_directory,
                                           std::optional<int> to,
                                           const std::function<bool()>& stop);

namespace postgres {

/// Ends and removes what an upgrade left, where there is something: then nobody holds the server.
/// For the holder of the start lock.
result<void> remove_unfinished_upgrade(const data_directory& directory);

}  // namespace postgres

}  // namespace millrace
