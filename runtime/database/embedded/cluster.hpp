// Making a PostgreSQL cluster: initdb into a folder beside, then one rename, so that a kill at any
// instant leaves either nothing or all of it. The caller holds the start lock. Blocks for seconds.
//
// initdb inherits the start lock. If we are killed it is told to end, finishes its step (a backend
// that is killed in the middle would leave its shared memory) and removes its files; whoever starts
// next has its turn when initdb and its backends have ended, and finds at most an unfinished
// folder.
#pragma once

#include <cstdint>
#include <functional>

#include "runtime/core/error.hpp"
#include "runtime/database/embedded/data_directory.hpp"
#include "runtime/database/embedded/installation.hpp"

namespace millrace::postgres {

/// The superuser, and the database that everything is in.
constexpr const char* database_user = "millrace";
constexpr const char* database_name = "millrace";

/// Makes `directory.cluster()`. With `fsync` false the files are not forced to the disk.
/// `start_lock` is that lock's descriptor; `character_type` the LC_CTYPE, empty: the best that the
/// system has. ec::disk_full, ec::data_directory with initdb's own words, ec::timeout.
/// cancelled once `stop`, asked while initdb runs, is true.
result<void> create_cluster(
    const installation& programs, const data_directory& directory, bool fsync, int start_lock,
    const std::string& character_type = {},
    const std::function<bool()>& stop = [] { return false; });

/// Bytes: 40 MiB of files, and its first segments of WAL as much again.
constexpr std::uint64_t space_of_new_cluster = 128ull << 20;

/// Removes what a killed create_cluster() left: folders, and the shared memory of backends that
/// were killed with it. resource_exhausted if this process cannot look now.
result<void> remove_unfinished_clusters(const data_directory& directory);

/// The environment of the server's programs.
std::vector<std::string> server_environment();

}  // namespace millrace::postgres
