// Listens on the port for links. Accepts connections, does the TLS handshake, and hands over only
// sessions whose other end has a certificate of the cluster's CA. Nobody else reaches the actor
// system.
//
// A connection whose handshake is not done yet is a stranger. There are at most max_strangers, each
// for at most link_handshake_limit; one more replaces the oldest. Sessions that have received
// nothing for silence_limit are shut down, because nodes send a heartbeat every half second.
//
// Owns a thread. watch() may be called from any thread.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/cluster/link_certificates.hpp"
#include "runtime/cluster/link_session.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class link_listener {
 public:
  static constexpr std::size_t max_strangers = 64;
  static constexpr auto silence_limit = std::chrono::seconds{5};
  /// Dropped strangers are logged together, at most once per interval.
  static constexpr auto report_interval = std::chrono::seconds{10};

  /// Called by the listener's thread; must not block.
  using admitted = std::function<void(std::shared_ptr<link_session>)>;

  /// port_taken if it cannot listen; the message does not repeat the address.
  static result<std::unique_ptr<link_listener>> open(const link_address& at,
                                                     const link_certificates& certificates,
                                                     admitted on_admitted);
  /// on_admitted is not called any more once it returns.
  ~link_listener();
  link_listener(const link_listener&) = delete;
  link_listener& operator=(const link_listener&) = delete;

  /// Also shuts down this session, which was dialled, if it falls silent.
  void watch(const std::shared_ptr<link_session>& session);

 private:
  using time_point = std::chrono::steady_clock::time_point;
  struct stranger {
    std::shared_ptr<link_session> session;
    time_point deadline;
    short waits_for = 0;  ///< Events for poll(2).
  };

  link_listener(unique_fd socket, const link_certificates& certificates, admitted on_admitted);
  void run(const std::stop_token& stop);
  void wait(const std::stop_token& stop);
  void accept_all(time_point now);
  /// Continues the handshake. False once it is done or has failed.
  bool advance(stranger& s);
  void drop(const std::string& why);
  void drop_the_late(time_point now);
  void drop_the_silent();
  void report(time_point now);

  unique_fd socket_;
  unique_fd wakes_;  ///< Readable once the thread has to end.
  const link_certificates& certificates_;
  admitted on_admitted_;
  std::list<stranger> strangers_;  ///< Oldest first.
  time_point accept_again_{};      ///< After the process ran out of descriptors.
  std::uint64_t dropped_ = 0;      ///< Since the last report.
  std::string last_reason_;
  time_point next_report_{};
  std::mutex mutex_;
  std::vector<std::weak_ptr<link_session>> watched_;
  runtime_thread thread_;  ///< Last: ends before what it uses.
};

}  // namespace millrace
