// What the links of this node use of its certificates: the last set of files that fitted together.
//
// Every look_interval the files are looked at, and a changed set that fits takes the former's place
// for new connections. One that does not is logged once, and the former stays.
//
// Owns a thread. Any thread may ask.
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

  /// Of `node`; as load_tls_context where they do not fit.
  static result<std::unique_ptr<link_certificates>> create(tls_settings files, std::string node);
  ~link_certificates();
  link_certificates(const link_certificates&) = delete;
  link_certificates& operator=(const link_certificates&) = delete;

  tls_context context() const;
  /// When the certificate that is in use ends.
  std::chrono::system_clock::time_point end() const { return certificate_end(context()); }
  const std::string& file() const { return files_.certificate; }
  /// Takes up files that have changed and fit. What the thread does now and then.
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
  std::string seen_;  ///< State of the files at the last look.
  std::condition_variable_any ends_;
  runtime_thread thread_;  ///< Last: ends before what it uses.
};

}  // namespace millrace
