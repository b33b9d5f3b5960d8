// What killed processes leave behind: processes of theirs, and shared memory that nobody uses.
// Other tests of this machine may run meanwhile; what they have in use does not count.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

namespace millrace {

/// Processes that work in this folder, or whose command line names it.
std::vector<pid_t> processes_in(const std::filesystem::path& folder);

/// The process that ends the folder's server when its last holder was killed; 0: none runs.
pid_t holder_watch_of(const std::filesystem::path& data);

/// PostgreSQL's shared memory that no process has mapped: names, and the ids of System V segments.
std::set<std::string> memory_without_owner();
/// What of it a process has mapped.
std::set<std::string> memory_of(pid_t pid);

}  // namespace millrace
