#include "runtime/queue/attempt_policy.hpp"

namespace millrace {

namespace {

/// Whoever caused these says when work may continue: a pause of its own would only delay it.
bool ends_by_itself(ec code) {
  return code == ec::embedding_paused || code == ec::draining || code == ec::cancelled ||
         code == ec::mailbox_full;
}

bool resumes_behind_its_pieces(ec code) {
  return code == ec::extraction_memory || code == ec::deadline_exceeded;
}

}  // namespace

attempt_verdict judge_attempt(ec code, const lease& work, const queue_settings& s, bool moved_on) {
  const auto counted = work.failures + 1 < s.max_attempts ? attempt_verdict::retry_later
                                                          : attempt_verdict::dead_letter;
  switch (kind_of(code)) {
    case error_kind::caller:
    case error_kind::document:
      return moved_on && resumes_behind_its_pieces(code) ? counted : attempt_verdict::end_failed;
    case error_kind::passing:
      return ends_by_itself(code) ? attempt_verdict::give_back : attempt_verdict::wait;
    case error_kind::lost:
      return attempt_verdict::lost;
    case error_kind::bug:
      break;
  }
  return counted;
}

}  // namespace millrace
