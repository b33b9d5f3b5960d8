// The server process of one data directory: find it, start it, stop it, clear away what a killed
// one left.
//
// Every function is for the holder of the start lock: nobody else starts or stops a server here
// meanwhile. All waits are bounded by the constants below. Blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "runtime/core/error.hpp"
#include "runtime/database/embedded/data_directory.hpp"
#include "runtime/database/embedded/installation.hpp"

namespace millrace::postgres {

/// Recovery after a crash replays up to max_wal_size before the first connection is served.
constexpr std::chrono::minutes start_limit{5};
/// A fast shutdown writes all dirty buffers.
constexpr std::chrono::seconds fast_stop_limit{60};
constexpr std::chrono::seconds immediate_stop_limit{10};

struct start_options {
  std::filesystem::path sockets;  ///< The folder of its socket (socket_directory.hpp).
  int max_connections = 64;
  bool fsync = true;
  std::string listen_addresses = {};  ///< For TCP; empty: none.
};

/// The live postmaster of this directory; none where it is dead, whatever postmaster.pid says.
/// resource_exhausted if this process cannot look now: then it is not known to be dead.
result<std::optional<pid_t>> find_postmaster(const data_directory& directory);

/// Ends what a killed postmaster left behind: its backends keep the shared memory, and while they
/// live no new server can start ("pre-existing shared memory block is still in use"). Only
/// processes of the directory's owner whose working directory is the cluster are touched. Shared
/// memory that nobody uses any more is removed.
result<void> clear_leftovers(const data_directory& directory);

/// Starts a server; it may not be ready yet.
result<pid_t> start_postmaster(const installation& programs, const data_directory& directory,
                               const start_options& options);

enum class readiness { ready, ended, unreachable };

/// Waits up to start_limit until the server takes connections in `sockets`. `unreachable` if the
/// time is over, or if it runs but its socket is not there. resource_exhausted if this process
/// cannot look now.
result<readiness> await_ready(const std::filesystem::path& sockets, pid_t postmaster);

/// Fast shutdown, then an immediate one; leaves no process of this directory. An error: it may
/// still run.
result<void> stop_postmaster(const data_directory& directory, pid_t postmaster);

/// libpq's connection string for one database of the server that listens in `sockets`.
std::string connection_string(const std::filesystem::path& sockets, const std::string& database);

/// The last complaint in the log after `offset` bytes, "" where there is none.
std::string last_complaint(const data_directory& directory, std::uintmax_t offset);

}  // namespace millrace::postgres
