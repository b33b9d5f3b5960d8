// The folder of an embedded server's Unix sockets: short, because a socket's whole path is limited
// to 107 bytes, and the server's alone.
//
// It is named after the cluster's device and inode, not after its path: a directory that was moved
// keeps its folder, and one that is made anew at the same path has another one. A server keeps its
// inode in use, so no two servers ever share a folder. Any thread.
#pragma once

#include <filesystem>
#include <optional>

#include "runtime/core/error.hpp"
#include "runtime/database/embedded/data_directory.hpp"

namespace millrace::postgres {

/// The folder for a server of this cluster, at most 37 bytes; it need not exist. data_directory if
/// there is no cluster.
result<std::filesystem::path> socket_directory_for(const data_directory& directory);

/// The folder that a running server uses, as its postmaster.pid says: an older version of this
/// program named it otherwise. None before the server listens. resource_exhausted if this process
/// cannot look now.
result<std::optional<std::filesystem::path>> socket_directory_in_use(
    const data_directory& directory);

/// Makes and checks the folder: the owner's alone (0700), not a link that somebody put there. What
/// a dead server left in it would make PostgreSQL refuse when the dead one's number lives again as
/// something else, so that is removed: for who starts a server only.
result<void> prepare_socket_directory(const std::filesystem::path& sockets,
                                      const user_account& owner);

/// Removes the folder with all that is in it, if its name is one of a socket folder of `owner`.
void remove_socket_directory(const std::filesystem::path& sockets, const user_account& owner);

}  // namespace millrace::postgres
