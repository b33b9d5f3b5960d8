// What the links read of the certificates: copies in memory of a pair that was checked.
//
// CAF reads the files for each new connection, in its own thread, and ends the process where they
// do not fit: half of a renewed pair, or a key that this user may not read. So it is given these
// copies; every look_interval the files are looked at, and a changed pair that fits takes their
// place in one step. One that does not is said once, and the former stays.
//
// Owns a thread. Any thread may ask for paths().
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class certificate_copies {
 public:
  static constexpr auto look_interval = std::chrono::seconds{2};

  /// As check_certificates where they do not fit; ec::internal without descriptors.
  static result<std::unique_ptr<certificate_copies>> create(tls_settings files);
  ~certificate_copies();
  certificate_copies(const certificate_copies&) = delete;
  certificate_copies& operator=(const certificate_copies&) = delete;

  /// Of the copies, for as long as this lives and in this process.
  tls_settings paths() const;
  /// Takes the files' place where they have changed and fit. What the thread does now and then.
  result<void> refresh();

 private:
  explicit certificate_copies(tls_settings files) : files_{std::move(files)} {}
  std::string state_of_files() const;
  void look(const std::stop_token& stop);

  const tls_settings files_;
  unique_fd pair_;  ///< Certificate and key in one, so that both change at once.
  unique_fd authority_;
  std::string seen_;  ///< State of the files at the last look.
  std::mutex mutex_;
  std::condition_variable_any ends_;
  runtime_thread thread_;  ///< Last: ends before what it uses.
};

}  // namespace millrace
