// The gate and the token bucket, on a clock that only the test moves.
#include "runtime/embedding/send_gate.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using namespace std::chrono_literals;
using verdict = send_gate::verdict;
using time_point = send_gate::time_point;

class send_gate_test : public testing::Test {
 protected:
  send_gate make(int concurrency = 8, int requests = 600'000, int tokens = 600'000'000) {
    return send_gate{{.concurrency = concurrency,
                      .requests_per_minute = requests,
                      .tokens_per_minute = tokens,
                      .probe_interval = 30s},
                     now_};
  }
  /// Sends all that may go now.
  std::vector<send_gate::ticket> send_all(send_gate& gate, std::int64_t tokens = 1) {
    std::vector<send_gate::ticket> tickets;
    while (gate.ask(tokens, now_).what == verdict::send && tickets.size() < 1'000)
      tickets.push_back(gate.sent(tokens, now_));
    return tickets;
  }
  time_point now_{1h};
};

TEST_F(send_gate_test, no_more_requests_fly_than_the_limit) {
  auto gate = make(4);
  const auto tickets = send_all(gate);
  ASSERT_EQ(tickets.size(), 4U);
  EXPECT_EQ(gate.ask(1, now_).until, time_point::max());
  gate.succeeded(tickets[0], 1, {}, now_);
  EXPECT_EQ(gate.ask(1, now_).what, verdict::send);
}

TEST_F(send_gate_test, requests_keep_to_their_rate) {
  auto gate = make(1'000, 60);  // one a second, ten at once
  EXPECT_EQ(send_all(gate).size(), 10U);
  EXPECT_EQ(gate.ask(1, now_).until, now_ + 1s);
  now_ += 1s;
  EXPECT_EQ(send_all(gate).size(), 1U);
  now_ += 1h;
  EXPECT_EQ(send_all(gate).size(), 10U);
}

TEST_F(send_gate_test, tokens_keep_to_their_rate) {
  auto gate = make(1'000, 600'000, 6'000);  // 100 a second, 1,000 at once
  EXPECT_EQ(send_all(gate, 250).size(), 4U);
  EXPECT_EQ(gate.ask(250, now_).until, now_ + 2500ms);
  EXPECT_EQ(gate.ask(50, now_).until, now_ + 500ms);
}

TEST_F(send_gate_test, a_request_over_the_burst_goes_when_the_bucket_is_full) {
  auto gate = make(8, 600'000, 6'000);
  ASSERT_EQ(gate.ask(5'000, now_).what, verdict::send);
  const auto t = gate.sent(5'000, now_);
  gate.succeeded(t, 5'000, {}, now_);
  EXPECT_EQ(gate.ask(100, now_).until, now_ + 41s);  // 4,000 of debt and 100 to come
}

TEST_F(send_gate_test, an_estimate_is_corrected_by_what_the_server_counted) {
  auto gate = make(8, 600'000, 6'000);
  const auto t = gate.sent(1'000, now_);
  EXPECT_EQ(gate.ask(100, now_).what, verdict::wait);
  gate.succeeded(t, 700, {}, now_);
  EXPECT_EQ(gate.ask(300, now_).what, verdict::send);
  EXPECT_EQ(gate.ask(301, now_).what, verdict::wait);
}

TEST_F(send_gate_test, a_429_makes_everything_wait) {
  auto gate = make();
  const auto t = gate.sent(1, now_);
  gate.throttled(t, 7s, now_);
  EXPECT_EQ(gate.ask(1, now_).what, verdict::wait);
  EXPECT_EQ(gate.ask(1, now_).until, now_ + 7s);
  now_ += 7s;
  EXPECT_EQ(gate.ask(1, now_).what, verdict::send);
}

TEST_F(send_gate_test, a_shorter_pause_does_not_end_a_longer_one) {
  auto gate = make();
  const auto a = gate.sent(1, now_);
  const auto b = gate.sent(1, now_);
  gate.throttled(a, 7s, now_);
  gate.throttled(b, 1s, now_);
  EXPECT_EQ(gate.ask(1, now_).until, now_ + 7s);
}

TEST_F(send_gate_test, requests_that_fail_together_halve_the_concurrency_once) {
  auto gate = make(8);
  const auto tickets = send_all(gate);
  now_ += 1s;
  for (const auto& t : tickets) gate.throttled(t, 0s, now_);
  EXPECT_EQ(gate.concurrency(), 4);
  now_ += 1s;
  const auto t = gate.sent(1, now_);
  gate.failed(t, true, now_);
  EXPECT_EQ(gate.concurrency(), 2);
}

TEST_F(send_gate_test, concurrency_never_falls_below_one_and_grows_back_to_the_limit) {
  auto gate = make(8);
  for (int i = 0; i < 10; ++i) {
    now_ += 1s;
    gate.throttled(gate.sent(1, now_), 0s, now_);
  }
  EXPECT_EQ(gate.concurrency(), 1);
  int rounds = 0;
  for (; gate.concurrency() < 8 && rounds < 100; ++rounds)
    for (const auto& t : send_all(gate)) gate.succeeded(t, 1, {}, now_);
  EXPECT_EQ(gate.concurrency(), 8);
  EXPECT_GE(rounds, 7);  // at most one more a round
}

TEST_F(send_gate_test, an_ordinary_failure_does_not_lower_the_concurrency) {
  auto gate = make(8);
  gate.failed(gate.sent(1, now_), false, now_);
  EXPECT_EQ(gate.concurrency(), 8);
}

TEST_F(send_gate_test, the_servers_remainder_limits_what_is_sent) {
  auto gate = make(100);
  rate_limit_headers h;
  h.requests.remaining = 3;
  gate.succeeded(gate.sent(1, now_), 1, h, now_);
  EXPECT_EQ(send_all(gate).size(), 3U);
}

TEST_F(send_gate_test, nothing_left_pauses_until_the_reset) {
  auto gate = make();
  rate_limit_headers h;
  h.tokens.remaining = 0;
  h.tokens.reset = 9s;
  gate.succeeded(gate.sent(1, now_), 1, h, now_);
  EXPECT_EQ(gate.ask(1, now_).until, now_ + 9s);
}

TEST_F(send_gate_test, a_refusal_opens_the_circuit_for_the_probe_interval) {
  auto gate = make();
  gate.refused(gate.sent(1, now_), "no quota", now_);
  EXPECT_EQ(gate.ask(1, now_).what, verdict::refuse);
  EXPECT_EQ(gate.refusal(), "no quota");
  now_ += 30s - 1ms;
  EXPECT_EQ(gate.ask(1, now_).what, verdict::refuse);
  now_ += 1ms;
  EXPECT_EQ(send_all(gate).size(), 1U);  // one probe
  EXPECT_EQ(gate.ask(1, now_).what, verdict::wait);
}

TEST_F(send_gate_test, a_probe_that_succeeds_or_is_merely_rejected_closes_the_circuit) {
  for (const bool success : {true, false}) {
    auto gate = make();
    gate.refused(gate.sent(1, now_), "no quota", now_);
    now_ += 30s;
    const auto probe = gate.sent(1, now_);
    if (success)
      gate.succeeded(probe, 1, {}, now_);
    else
      gate.rejected(probe);
    EXPECT_EQ(send_all(gate).size(), 8U);
  }
}

TEST_F(send_gate_test, a_probe_that_is_refused_opens_the_circuit_again) {
  auto gate = make();
  gate.refused(gate.sent(1, now_), "no quota", now_);
  now_ += 30s;
  gate.refused(gate.sent(1, now_), "still none", now_);
  EXPECT_EQ(gate.ask(1, now_).what, verdict::refuse);
  EXPECT_EQ(gate.refusal(), "still none");
}

TEST_F(send_gate_test, a_probe_that_fails_otherwise_is_followed_by_another) {
  auto gate = make();
  gate.refused(gate.sent(1, now_), "no quota", now_);
  now_ += 30s;
  gate.failed(gate.sent(1, now_), false, now_);
  EXPECT_EQ(send_all(gate).size(), 1U);
}

TEST_F(send_gate_test, late_answers_neither_close_the_circuit_nor_keep_it_open) {
  auto gate = make();
  const auto tickets = send_all(gate);
  gate.refused(tickets[0], "no quota", now_);
  gate.succeeded(tickets[1], 1, {}, now_);
  EXPECT_EQ(gate.ask(1, now_).what, verdict::refuse);
  now_ += 20s;
  gate.refused(tickets[2], "no quota", now_);
  now_ += 10s;
  EXPECT_EQ(gate.ask(1, now_).what, verdict::send);
}

}  // namespace
}  // namespace millrace
