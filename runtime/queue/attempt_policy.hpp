// What becomes of a document whose attempt went wrong. Failures and losses are two counters: a
// document is only blamed for what is its own fault (invariant I7). Pure.
#pragma once

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/queue/lease.hpp"

namespace millrace {

enum class attempt_verdict : std::uint8_t {
  end_failed,   ///< Final: another attempt would end the same.
  dead_letter,  ///< Final: the attempts are used up.
  retry_later,  ///< One more failure, then again.
  give_back,    ///< Not its fault: back to the queue as it was.
  wait,         ///< The same, for away_delay or longer: what it needs is busy or away.
  lost,         ///< Whoever worked on it is gone: one loss more, then again.
};

/// Until a document whose node is away is looked at again, the first time (away_sources.hpp). It
/// costs nothing and has no end: the node comes back, or the dataset is cancelled.
constexpr duration away_delay = std::chrono::seconds{5};

/// Follows from the kind of `code` (core/error.hpp). `moved_on`: the attempt saved pieces that no
/// attempt before it had finished. Then a document that is too much for its parser, or for its
/// deadline, is tried again behind them; and saving pages has forgotten the failures before
/// (checkpoint_store), so that only attempts without new pages use up max_attempts.
attempt_verdict judge_attempt(ec code, const lease& work, const queue_settings& s,
                              bool moved_on = false);

/// True where a document's holders vanished so often that it is not tried again.
inline bool lost_too_often(const lease& work, const queue_settings& s) {
  return work.losses >= s.max_losses;
}

/// True if its attempts are used up before it begins: the last one was finished and could not be
/// committed, not even as a failure.
inline bool failed_too_often(const lease& work, const queue_settings& s) {
  return work.failures >= s.max_attempts;
}

}  // namespace millrace
