#include "runtime/embedding/send_gate.hpp"

#include <algorithm>
#include <utility>

namespace millrace {

send_gate::send_gate(limits l, time_point now)
    : limits_(l),
      requests_(l.requests_per_minute, now),
      tokens_(l.tokens_per_minute, now),
      concurrency_(l.concurrency),
      decreased_at_(now),
      paused_until_(now),
      open_until_(now) {}

send_gate::decision send_gate::ask(std::int64_t tokens, time_point now) {
  if (is_open(now)) return {verdict::refuse, now};
  if (open_ && probing_) return {verdict::wait, time_point::max()};
  if (in_flight_ >= concurrency()) return {verdict::wait, time_point::max()};
  const auto ready = std::max({paused_until_, requests_.ready_at(1, now),
                               tokens_.ready_at(static_cast<double>(tokens), now)});
  if (ready > now) return {verdict::wait, ready};
  return {verdict::send, now};
}

send_gate::ticket send_gate::sent(std::int64_t tokens, time_point now) {
  ++in_flight_;
  requests_.take(1, now);
  tokens_.take(static_cast<double>(tokens), now);
  if (open_) probing_ = true;
  return {now, tokens, open_};
}

void send_gate::succeeded(const ticket& t, std::int64_t tokens, const rate_limit_headers& h,
                          time_point now) {
  const bool limit_was_used = in_flight_ >= concurrency();
  end(t);
  if (t.is_probe) close();
  if (tokens > 0) tokens_.correct(static_cast<double>(t.tokens - tokens));
  if (limit_was_used)
    concurrency_ = std::min<double>(limits_.concurrency, concurrency_ + 1 / concurrency_);
  if (h.requests.remaining) {
    requests_.observe_remaining(static_cast<double>(*h.requests.remaining), now);
    if (*h.requests.remaining == 0 && h.requests.reset)
      pause_until(now + std::min(*h.requests.reset, max_server_wait));
  }
  if (h.tokens.remaining) {
    tokens_.observe_remaining(static_cast<double>(*h.tokens.remaining), now);
    if (*h.tokens.remaining == 0 && h.tokens.reset)
      pause_until(now + std::min(*h.tokens.reset, max_server_wait));
  }
}

void send_gate::throttled(const ticket& t, duration wait, time_point now) {
  end(t);
  decrease(t, now);
  pause_until(now + wait);
}

void send_gate::failed(const ticket& t, bool overloaded, time_point now) {
  end(t);
  if (overloaded) decrease(t, now);
}

void send_gate::rejected(const ticket& t) {
  end(t);
  if (t.is_probe) close();
}

void send_gate::refused(const ticket& t, std::string reason, time_point now) {
  end(t);
  refusal_ = std::move(reason);
  // Answers to what was sent before the circuit opened must not keep it open for longer.
  if (open_ && !t.is_probe) return;
  open_ = true;
  open_until_ = now + limits_.probe_interval;
}

void send_gate::end(const ticket& t) noexcept {
  --in_flight_;
  if (t.is_probe) probing_ = false;
}

void send_gate::close() {
  open_ = false;
  refusal_.clear();
}

void send_gate::decrease(const ticket& t, time_point now) {
  // Requests that were in flight together fail together: that is one sign of overload, not many.
  if (t.sent_at < decreased_at_) return;
  concurrency_ = std::max(1.0, concurrency_ / 2);
  decreased_at_ = now;
}

void send_gate::pause_until(time_point until) {
  paused_until_ = std::max(paused_until_, until);
}

}  // namespace millrace
