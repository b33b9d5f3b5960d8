// A database into a file and back, by PostgreSQL's own pg_dump and pg_restore.
//
// A backup is one consistent snapshot (the custom format of pg_dump); those who work with the
// database go on meanwhile. A restore is one transaction: all of it or nothing. These calls block
// for as long as the data take; `stop` is asked ten times a second, true ends them with
// ec::cancelled, and then nothing is left of them.
//
// The identity (database_identity) is restored too: what is restored is the same database as it was
// before. Paths of uploaded files contain the identity; with another one a file that is sent again
// would become a second document instead of replacing the first. A copy that is to live beside its
// original needs an identity of its own, since nodes remove uploads that their database does not
// name: `identity::fresh`.
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

/// Writes `file`, readable by its owner only, and returns its bytes. It is written as FILE.partial,
/// forced to the disk and then renamed. invalid_argument where it exists; disk_full,
/// permission_denied, path_missing, database_unavailable, database_error with pg_dump's own words.
result<std::uint64_t> back_up(const std::string& connection_string,
                              const std::filesystem::path& file, const stop_question& stop);

/// Whether this program can restore the file. path_missing, invalid_argument where it is not a
/// backup of Millrace, database_newer.
result<void> check_backup(const std::filesystem::path& file);

enum class identity : std::uint8_t { kept, fresh };

/// Fills an empty database from a file that passes check_backup(), and brings it to this program's
/// schema. invalid_argument where the database is not empty, disk_full, database_error with
/// pg_restore's own words.
result<void> restore(const std::string& connection_string, const std::filesystem::path& file,
                     identity of, const stop_question& stop);

}  // namespace millrace
