// The certificates that this node's links use: the last set of files that fitted together.
//
// The files are checked every look_interval. A changed set that fits is used for new connections;
// one that does not is logged once, and the previous set stays in use.
//
// Owns a thread. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "config/settings.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/core/error.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class link_certificates {
 public:
  static constexpr auto look_interval = std::chrono::seconds{2};

  /// For `node`. Errors as load_tls_context() if the files do not fit together.
  static result<std::unique_ptr<link_certificates>> create(tls_settings files, std::string node);
  ~link_certificates();
  link_certificates(const link_certificates&) = delete;
  link_certificates& operator=(const link_certificates&) = delete;

  tls_context context() const;
  /// When the certificate in use expires.
  std::chrono::system_clock::time_point end() const { return certificate_end(context()); }
  const std::string& file() const { return files_.certificate; }
  /// Uses the files if they have changed and fit. The thread calls this every look_interval.
  result<void> refresh();

 private:
  link_certificates(tls_settings files, std::string node)
      : files_{std::move(files)}, node_{std::move(node)} {}
  std::string state_of_files() const;
  void look(const std::stop_token& stop);

  const tls_settings files_;
  const std::string node_;
  mutable std::mutex mutex_;
  tls_context context_;
  std::string seen_;  ///< State of the files when they were last checked.
  std::condition_variable_any ends_;
  runtime_thread thread_;  ///< Last: ends before what it uses.
};

}  // namespace millrace
