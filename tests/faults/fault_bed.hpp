// What the fault tests stand on: a corner with documents and a slow embedding server, the database
// seen from outside, and what must be true when all is over, whatever happened on the way.
//
// For GoogleTest's main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/database/sql.hpp"
#include "tests/integration/workspace.hpp"
#include "tests/support/embedding/fake_embedding_server.hpp"

namespace millrace {

/// The number that an environment variable holds, or `otherwise`.
std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise);

/// How a dataset must end.
struct expected_end {
  std::int64_t ready = 0;
  std::int64_t failed = 0;
  std::int64_t dead_letters = 0;
};

class fault_bed {
 public:
  static constexpr std::int64_t cost = 10;  ///< Credits a document.

  /// So many small documents, each one request of this latency to the embedding server.
  fault_bed(int documents, std::chrono::milliseconds latency,
            const std::string& server_address = "127.0.0.1");
  ~fault_bed();
  fault_bed(const fault_bed&) = delete;
  fault_bed& operator=(const fault_bed&) = delete;

  /// A config for `concurrency` documents at a time on the corner's own database.
  void configure(int concurrency, const std::string& rest = {});
  std::unique_ptr<program> start_run() const;
  std::uint64_t requests() const { return server.count().requests; }
  /// Waits until the embedding server was asked `n` times more.
  bool works(program& node, std::uint64_t n) const;

  /// Puts the data directory on a file system of its own, so large ("256m"). Needs root; false
  /// where it cannot.
  bool mount_small_disk(const std::string& size);

  /// Starts the database from here, or takes it over; it stays until close_database(). With an
  /// address, it is reached there too, by everybody.
  void open_database(const std::string& tcp_address = {});
  void close_database() {
    watcher_.reset();
    database_.reset();
  }
  /// Of the one that is open, for nodes that must not open it themselves.
  std::string database_url() const;
  /// The pid of the PostgreSQL server; 0: none runs.
  pid_t postmaster() const;
  /// One value. Any thread, one at a time; on a connection that stays as long as its server does.
  std::string sql(const std::string& statement) const;
  std::int64_t number(const std::string& statement) const { return std::stoll(sql(statement)); }

  /// Every document once, no chunk twice, credits that add up, empty queues, true counts.
  void expect_end(const expected_end& expected) const;

  workspace w;
  fake_embedding_server server;
  std::string config;

 private:
  std::unique_ptr<embedded_server> database_;
  std::string tcp_address_;
  mutable std::mutex watching_;
  mutable std::unique_ptr<sql::connection> watcher_;
  bool mounted_ = false;
};

}  // namespace millrace
