// Making a PostgreSQL cluster: initdb into a folder beside, then one rename, so that a kill at any
// instant leaves either nothing or all of it. The caller holds the start lock. Blocks for seconds.
#pragma once

#include "runtime/core/error.hpp"
#include "runtime/database/data_directory.hpp"
#include "runtime/database/installation.hpp"

namespace millrace::postgres {

/// The superuser, and the database that everything is in.
constexpr const char* database_user = "millrace";
constexpr const char* database_name = "millrace";

/// Makes `directory.cluster()`. With `fsync` false the files are not forced to the disk.
/// ec::disk_full, ec::data_directory with initdb's own words, ec::timeout.
result<void> create_cluster(const installation& programs, const data_directory& directory,
                            bool fsync);

/// The environment of the server's programs.
std::vector<std::string> server_environment();

}  // namespace millrace::postgres
