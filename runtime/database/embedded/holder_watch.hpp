// The process that ends the embedded server when its last holder was killed.
//
// Every process that uses the server holds DIR/holders.lock, and the last that leaves stops the
// server. A process that is killed cannot; the kernel releases its lock. So whoever starts or
// adopts a server also starts this process, once for each data directory (DIR/watch.lock); a node
// replaces it if it is killed. It does not count as a holder. At every interval it takes the start
// lock, if that is free, so that nobody can join: if nobody holds the server either, it stops
// whatever is left of the server and exits. It inherits the directory's descriptor and looks
// nothing up by path: a directory that is moved or removed keeps its watch, and a new one at the
// same path is a different one. It runs in a session of its own and ignores the signals that end
// its starter.
#pragma once

#include <chrono>
#include <filesystem>

#include "runtime/core/error.hpp"
#include "runtime/database/embedded/data_directory.hpp"
#include "runtime/database/embedded/directory_handle.hpp"
#include "runtime/database/file_lock.hpp"

namespace millrace::postgres {

/// A server without holders is ended at the first look after its last holder's end.
constexpr std::chrono::seconds holder_watch_interval{2};

/// The first argument of the program that is a holder watch. The second is the data directory's
/// path, for those who list processes; the third the number of its descriptor.
constexpr const char* holder_watch_command = "holder-watch";

/// Starts `program holder-watch DIR DESCRIPTOR` if none runs for this directory, whose cluster is
/// there; true if it did. For the holder of the start lock.
result<bool> start_holder_watch(const data_directory& directory, const directory_handle& handle,
                                const std::filesystem::path& program);

/// Is that process until nobody holds the server and it has ended; the process's exit code. It has
/// nobody to tell what goes wrong: a look that fails is made again.
int run_holder_watch(int descriptor) noexcept;

/// Stops the server if nobody holds it, and removes its sockets, and what a killed one left. For
/// the holder of the start lock; `holders` is locked exclusively if nobody else has it. True once
/// nothing is left; false if others hold the server, or it cannot be ended now.
bool end_server_without_holders(const data_directory& directory, file_lock& holders);

}  // namespace millrace::postgres
