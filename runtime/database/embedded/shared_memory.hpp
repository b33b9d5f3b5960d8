// What a PostgreSQL backend that was killed by SIGKILL leaves in memory: a System V segment, and
// files in /dev/shm. The next server of the same folder would remove them; a folder that is itself
// thrown away has no next server. Any thread.
#pragma once

#include <filesystem>

#include <sys/types.h>

namespace millrace::postgres {

/// Removes the shared memory of the cluster in `folder`: the segment that its postmaster.pid names
/// or whose key is the folder's inode. Only what verifiably is of this folder (the segment repeats
/// its device and inode, or its creator is gone and wrote nothing there), belongs to `owner` and is
/// attached by nobody; of files that were not noted yet those that stayed blank. Knows the layout
/// of PostgreSQL 14 and newer; leaves others alone.
void remove_shared_memory(const std::filesystem::path& folder, uid_t owner);

}  // namespace millrace::postgres
