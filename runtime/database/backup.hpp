// A database into a file and back, by PostgreSQL's own pg_dump and pg_restore.
//
// A backup is one consistent snapshot (the custom format of pg_dump); those who work with the
// database continue meanwhile. A restore is one transaction: all of it or nothing. These calls
// block for as long as the data take. `stop` is asked ten times a second; if it answers true, they
// end with ec::cancelled and leave nothing behind.
//
// The identity (database_identity) is restored too: the result is the same database as before.
// Paths of uploaded files contain the identity; with another one, a file that is sent again would
// become a second document instead of replacing the first. A copy that is used at the same time as
// its original needs an identity of its own (`identity::fresh`), because nodes remove uploads that
// their database does not name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "runtime/core/error.hpp"

namespace millrace {

using stop_question = std::function<bool()>;

/// How long pg_dump waits for a table that somebody locks exclusively.
constexpr std::chrono::minutes backup_lock_limit{1};

/// Writes `file`, readable by its owner only, as a partial_file. Its size in bytes.
/// invalid_argument if `file` cannot be the name of a new file or another backup writes it;
/// path_missing, permission_denied, disk_full; database_timeout, database_unavailable,
/// database_error with pg_dump's own words.
result<std::uint64_t> back_up(const std::string& connection_string,
                              const std::filesystem::path& file, const stop_question& stop);

/// Whether this program can restore the file, as far as its table of contents tells. path_missing,
/// permission_denied; invalid_argument if it is damaged or not a backup of Millrace;
/// database_newer; database_error if pg_restore is missing or too old.
result<void> check_backup(const std::filesystem::path& file);

enum class identity : std::uint8_t { kept, fresh };

/// Fills an empty database from a file that passes check_backup(), and brings it to this program's
/// schema. invalid_argument if the database is not empty or the file is damaged; disk_full,
/// database_unavailable, database_error with pg_restore's own words.
result<void> restore(const std::string& connection_string, const std::filesystem::path& file,
                     identity of, const stop_question& stop);

}  // namespace millrace
