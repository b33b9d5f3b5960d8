// How the embedded server is configured: the settings of its command line, scaled to this machine.
// Pure but for looking at memory and disk; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/database/embedded/postmaster.hpp"

namespace millrace::postgres {

/// Bytes of shared_buffers on a machine (or in a cgroup) with so much memory.
std::uint64_t shared_buffers_bytes(std::uint64_t memory);
/// Bytes of max_wal_size on a disk with so much free space.
std::uint64_t max_wal_bytes(std::uint64_t free_space);

/// As NAME=VALUE.
std::vector<std::string> server_settings(const data_directory& directory,
                                         const start_options& options);

}  // namespace millrace::postgres
