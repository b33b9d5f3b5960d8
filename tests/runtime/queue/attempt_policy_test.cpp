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

TEST(attempt_policy, what_is_not_the_documents_fault_gives_it_back_whatever_its_past) {
  for (const auto code : {ec::embedding_paused, ec::draining, ec::mailbox_full, ec::cancelled,
                          ec::database_unavailable, ec::database_timeout, ec::pool_exhausted})
    for (const int failures : {0, 2, 100})
      EXPECT_EQ(judge(code, failures), attempt_verdict::give_back) << to_string(code);
}

TEST(attempt_policy, what_would_end_the_same_again_fails_at_once) {
  for (const auto code :
       {ec::unsupported_format, ec::encrypted_document, ec::malformed_document, ec::source_missing,
        ec::limit_exceeded, ec::extraction_crashed, ec::extraction_timeout})
    EXPECT_EQ(judge(code, 0), attempt_verdict::end_failed) << to_string(code);
}

TEST(attempt_policy, what_may_pass_is_tried_until_the_attempts_are_used_up) {
  ASSERT_TRUE(is_retryable(ec::embedding_unavailable));
  EXPECT_EQ(judge(ec::embedding_unavailable, 0), attempt_verdict::retry_later);
  EXPECT_EQ(judge(ec::embedding_unavailable, 1), attempt_verdict::retry_later);
  EXPECT_EQ(judge(ec::embedding_unavailable, 2), attempt_verdict::dead_letter) << "the third of 3";
  EXPECT_EQ(judge(ec::embedding_unavailable, 7), attempt_verdict::dead_letter);
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
