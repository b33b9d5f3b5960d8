// The process that ends the embedded server when its last holder was killed.
//
// Every process that uses the server holds DIR/holders.lock, and the last that leaves stops the
// server. A process that is killed cannot; the kernel releases its lock. So whoever starts or
// adopts a server also starts this process, once for each data directory (DIR/watch.lock). It is no
// holder. Every interval it takes the start lock, if that is free, and then nobody can join: if
// nobody holds the server either, it stops it, and if there is no server it ends itself. It runs in
// a session of its own and ignores the signals that end its starter.
#pragma once

#include <chrono>
#include <filesystem>

#include "runtime/core/error.hpp"
#include "runtime/database/data_directory.hpp"
#include "runtime/database/file_lock.hpp"

namespace millrace::postgres {

/// A server without holders is ended at the first look after its last holder's end.
constexpr std::chrono::seconds holder_watch_interval{2};

/// The first argument of the program that is a holder watch; the second is the data directory.
constexpr const char* holder_watch_command = "holder-watch";

/// Starts `program holder-watch DIR` if none runs for this directory. For the holder of the start
/// lock.
result<void> start_holder_watch(const data_directory& directory,
                                const std::filesystem::path& program);

/// Is that process until the server has ended; the process's exit code.
int run_holder_watch(const std::filesystem::path& directory);

/// Stops the server where nobody holds it, and removes its sockets. For the holder of the start
/// lock; `holders` is locked exclusively then. False if others hold the server.
bool end_server_without_holders(const data_directory& directory, file_lock& holders);

}  // namespace millrace::postgres
