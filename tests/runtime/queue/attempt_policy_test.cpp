#include "runtime/queue/attempt_policy.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

attempt_verdict judge(ec code, int failures) {
  queue_settings s;
  s.max_attempts = 3;
  lease work;
  work.failures = failures;
  return judge_attempt(code, work, s);
}

/// Walks the table of errors: a new code cannot be forgotten.
TEST(attempt_policy, the_kind_of_an_error_decides_whatever_the_documents_past) {
  for (auto i = 1; i <= static_cast<int>(ec::node_refused); ++i) {
    const auto code = static_cast<ec>(i);
    for (const int failures : {0, 1, 100}) {
      const auto verdict = judge(code, failures);
      switch (kind_of(code)) {
        case error_kind::caller:
        case error_kind::document:
          EXPECT_EQ(verdict, attempt_verdict::end_failed) << to_string(code);
          break;
        case error_kind::passing:
          EXPECT_TRUE(verdict == attempt_verdict::give_back || verdict == attempt_verdict::wait)
              << to_string(code);
          break;
        case error_kind::lost:
          EXPECT_EQ(verdict, attempt_verdict::lost) << to_string(code);
          break;
        case error_kind::bug:
          EXPECT_EQ(verdict,
                    failures < 2 ? attempt_verdict::retry_later : attempt_verdict::dead_letter)
              << to_string(code);
          break;
      }
    }
  }
}

TEST(attempt_policy, what_somebody_will_say_the_end_of_waits_for_nothing_else) {
  for (const auto code : {ec::embedding_paused, ec::draining, ec::mailbox_full, ec::cancelled})
    EXPECT_EQ(judge(code, 0), attempt_verdict::give_back) << to_string(code);
}

TEST(attempt_policy, a_bug_is_tried_until_the_attempts_are_used_up) {
  EXPECT_EQ(judge(ec::internal, 0), attempt_verdict::retry_later);
  EXPECT_EQ(judge(ec::internal, 1), attempt_verdict::retry_later);
  EXPECT_EQ(judge(ec::internal, 2), attempt_verdict::dead_letter) << "the third of 3";
  EXPECT_EQ(judge(ec::internal, 7), attempt_verdict::dead_letter);
}

TEST(attempt_policy, a_document_over_its_limits_goes_on_behind_what_it_has_saved) {
  queue_settings s;
  s.max_attempts = 3;
  lease work;
  for (const auto code : {ec::extraction_memory, ec::deadline_exceeded}) {
    EXPECT_EQ(judge_attempt(code, work, s, true), attempt_verdict::retry_later);
    EXPECT_EQ(judge_attempt(code, work, s, false), attempt_verdict::end_failed);
  }
  EXPECT_EQ(judge_attempt(ec::malformed_document, work, s, true), attempt_verdict::end_failed);
}

TEST(attempt_policy, losses_are_counted_apart_from_failures) {
  queue_settings s;
  s.max_losses = 2;
  lease work;
  work.failures = 100;
  work.losses = 1;
  EXPECT_FALSE(lost_too_often(work, s));
  work.losses = 2;
  EXPECT_TRUE(lost_too_often(work, s));
}

}  // namespace
}  // namespace millrace
