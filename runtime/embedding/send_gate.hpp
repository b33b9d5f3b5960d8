// Decides when the next request may go to an embedding server. It knows the requests in flight, the
// configured and the server's rate limits, the pause that a 429 asked for, and whether the server
// refuses us (circuit breaker).
//
// Not thread-safe: its owner's thread only. It keeps no clock and never waits: every call says what
// time it is, and ask() says when to ask again. Each sent() must be followed by exactly one of
// succeeded(), throttled(), failed(), rejected(), refused() or abandoned() with its ticket;
// sent_request sees to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "config/settings.hpp"
#include "runtime/embedding/rate_limit_headers.hpp"
#include "runtime/embedding/token_bucket.hpp"

namespace millrace {

class send_gate {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  struct limits {
    int concurrency = 1;  ///< Most requests in flight, and what it starts with.
    int requests_per_minute = 1;
    int tokens_per_minute = 1;
    duration probe_interval{0};
  };

  enum class verdict { send, wait, refuse };
  struct decision {
    verdict what = verdict::send;
    /// For wait: ask again then. `max()` where only the end of a request in flight can change the
    /// answer.
    time_point until = time_point::max();
  };

  /// What is remembered of a request until it ends.
  struct ticket {
    time_point sent_at;
    std::int64_t tokens = 0;  ///< Estimated.
    bool is_probe = false;
  };

  send_gate(limits l, time_point now);

  decision ask(std::int64_t tokens, time_point now);
  ticket sent(std::int64_t tokens, time_point now);

  /// `tokens` as the server counted; 0 where it did not say.
  void succeeded(const ticket& t, std::int64_t tokens, const rate_limit_headers& h, time_point now);
  /// 429: nobody sends for `wait`, and fewer at once afterwards.
  void throttled(const ticket& t, duration wait, time_point now);
  /// A failure that may pass. `overloaded` where it says that we send too much (503, time-outs).
  void failed(const ticket& t, bool overloaded, time_point now);
  /// The server is well and takes our key, but not this input.
  void rejected(const ticket& t);
  /// Quota or credentials: opens the circuit. Everything is refused for probe_interval, then one
  /// request is a probe.
  void refused(const ticket& t, std::string reason, time_point now);
  /// Its outcome is not known and will not be. A probe is followed by another one.
  void abandoned(const ticket& t) noexcept { end(t); }

  /// Why ask() refuses: what refused() was told last.
  const std::string& refusal() const { return refusal_; }
  bool is_open(time_point now) const { return open_ && now < open_until_; }
  int in_flight() const { return in_flight_; }
  /// Requests in flight that are worth having now: additive increase, multiplicative decrease.
  int concurrency() const { return static_cast<int>(concurrency_); }

 private:
  void end(const ticket& t) noexcept;
  void close();
  void decrease(const ticket& t, time_point now);
  void pause_until(time_point until);

  limits limits_;
  token_bucket requests_;
  token_bucket tokens_;
  double concurrency_;
  time_point decreased_at_;
  time_point paused_until_;
  int in_flight_ = 0;
  bool open_ = false;
  bool probing_ = false;
  time_point open_until_;
  std::string refusal_;
};

/// A request in flight: abandoned when this goes, unless its ticket was taken to tell the outcome.
class sent_request {
 public:
  sent_request(send_gate& gate, std::int64_t tokens, send_gate::time_point now)
      : gate_{&gate}, ticket_{gate.sent(tokens, now)} {}
  sent_request(sent_request&& other) noexcept
      : gate_{std::exchange(other.gate_, nullptr)}, ticket_{other.ticket_} {}
  sent_request& operator=(sent_request&&) = delete;
  ~sent_request() {
    if (gate_ != nullptr) gate_->abandoned(ticket_);
  }

  /// For the call that tells the gate the outcome. Nothing may throw between the two.
  send_gate::ticket take() noexcept {
    gate_ = nullptr;
    return ticket_;
  }

 private:
  send_gate* gate_;
  send_gate::ticket ticket_;
};

}  // namespace millrace
