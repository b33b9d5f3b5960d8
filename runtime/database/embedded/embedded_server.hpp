// The private PostgreSQL of `database.url = "embedded:DIR"`: initdb, start, adopt, recover, stop.
//
// Listens on a Unix socket in a short private folder (socket paths over 107 bytes fail), and on TCP
// only where told to.
// Started as root it runs as an unprivileged user. Processes that use the same DIR share one
// server: each holds a shared flock; the last one that leaves stops it, and if that one was killed,
// the holder watch does (holder_watch.hpp). Until then a server left behind is adopted; a dead one
// is recovered.
//
// open() and the destructor block (seconds); not for actor threads.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "runtime/core/error.hpp"

namespace millrace {

struct embedded_server_config {
  std::filesystem::path
      directory;  ///< Made where it is missing. Holds `postgres/`, the log and the locks.
  /// When false, a directory without a database is an error (reading commands must not make one).
  bool create = true;
  int max_connections = 64;
  /// False only for throw-away data: what was committed then survives a crash of processes, not of
  /// the machine.
  bool fsync = true;
  /// Where it listens on TCP too, port 5432; empty: nowhere. Whom it lets in there pg_hba.conf
  /// says.
  std::string listen_addresses = {};
  /// The program that is a holder watch when it is called as one: `/proc/self/exe` for millrace.
  /// Empty: a server whose last holder was killed stays until somebody opens the directory again.
  std::filesystem::path holder_watch = {};
};

class embedded_server {
 public:
  static result<std::unique_ptr<embedded_server>> open(embedded_server_config config);
  ~embedded_server();
  embedded_server(const embedded_server&) = delete;
  embedded_server& operator=(const embedded_server&) = delete;

  /// libpq connection string (host = socket folder, user and dbname = millrace).
  const std::string& connection_string() const;
  /// Short private folder (mode 0700) of this DIR's sockets; also holds the API's socket.
  const std::filesystem::path& socket_directory() const;
  /// For a process that ends now, without the destructor: where nobody else holds the server, tells
  /// it to stop and returns at once. Any thread.
  void stop_without_waiting();
  /// True where this process found a running server.
  bool adopted() const;
  /// What does not work about it, for the log; empty: nothing.
  const std::string& warning() const;
  /// False if it has died. resource_exhausted if this process cannot look now.
  result<bool> runs() const;
  /// Starts it again where it has died, and recovers what was committed. One thread at a time.
  result<void> start_again();
  /// Starts a holder watch where that was killed; true if it did. False, too, while others start or
  /// stop the server: they look after the watch themselves. At once; one thread at a time.
  result<bool> start_missing_watch();
  /// False if the directory, or a lock in it, was moved, removed or made anew: start_again() cannot
  /// succeed any more. Any thread.
  bool in_place() const;
  /// What the server says.
  std::filesystem::path log() const;

 private:
  struct impl;
  explicit embedded_server(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// --data, else $MILLRACE_DATA, else /var/lib/millrace for root, else $XDG_DATA_HOME/millrace or
/// ~/.local/share/millrace.
std::filesystem::path default_data_directory();

}  // namespace millrace
