#include "runtime/queue/attempt_policy.hpp"

namespace millrace {

attempt_verdict judge_attempt(ec code, const lease& work, const queue_settings& s, bool moved_on) {
  switch (code) {
    case ec::embedding_paused:
    case ec::draining:
    case ec::mailbox_full:
    case ec::cancelled:
    case ec::database_unavailable:
    case ec::database_timeout:
    case ec::pool_exhausted:
      return attempt_verdict::give_back;
    case ec::role_away:
    case ec::source_away:
    case ec::disk_full:
      return attempt_verdict::wait;
    case ec::extraction_crashed:
    case ec::extraction_timeout:
      return attempt_verdict::end_failed;  // the pool has tried it extraction.crash_attempts times
    default:
      break;
  }
  const bool resumes = moved_on && code == ec::extraction_memory;
  if (!is_retryable(code) && !resumes) return attempt_verdict::end_failed;
  return work.failures + 1 < s.max_attempts ? attempt_verdict::retry_later
                                            : attempt_verdict::dead_letter;
}

}  // namespace millrace
