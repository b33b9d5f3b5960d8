// A socket in front of PostgreSQL's that holds up one answer: whoever connects through it stands
// still behind any statement that a test chooses, inside the product's own code. It can also let
// the server say that it is of another version.
//
// libpq sends a statement and waits for ReadyForQuery. The gate passes on everything and counts
// these messages; the one that it holds leaves its client waiting while the server has done the
// statement and keeps its locks. Thread-safe; for sessions on Unix sockets, without encryption.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/core/unique_fd.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {

class statement_gate {
 public:
  /// `server`: the folder of the server's socket, of port 5432.
  explicit statement_gate(const std::filesystem::path& server);
  /// Its clients must be gone.
  ~statement_gate();
  statement_gate(const statement_gate&) = delete;
  statement_gate& operator=(const statement_gate&) = delete;

  /// To connect to, as `server` was.
  const std::filesystem::path& directory() const { return directory_.path(); }

  /// What sessions that begin from here on are told of the server: "14.9".
  void say_version(std::string version);
  /// Counts from 1 from here on and holds the answer of this number; 0 holds none.
  void hold(int number);
  /// Waits until the answer is held, or its client reports that it has ended (`client_ended`).
  /// True if it is held.
  bool wait();
  void client_ended();
  void let_go();
  /// Since hold().
  int answers() const;

 private:
  void accept_clients();
  void pass_on(unique_fd client, unique_fd server);
  /// What the client gets instead of this message of the server.
  std::string told(std::string message) const;
  /// Forwards what is complete of `pending`, and waits before an answer that is held.
  bool forward(std::string& pending, int client);
  void count_answer();

  std::filesystem::path server_;
  std::string version_;  ///< Empty: its own.
  temporary_directory directory_;
  unique_fd listener_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int number_ = 0;
  int answers_ = 0;
  bool held_ = false;
  bool client_ended_ = false;
  std::vector<std::jthread> sessions_;  ///< Of the accepting thread.
  std::jthread accepting_;
};

}  // namespace millrace
