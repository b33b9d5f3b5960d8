// Counts how often a document lost its extractor process, and decides whether to try it again at
// once. A plain value, one per document.
//
// After a crash or a time-out on the same page a document is tried extraction.crash_attempts times
// in all. If it has finished pages since its last loss, it has moved on and the count restarts.
// Running out of memory in the highest tier ends a document that has not moved on. Kills from
// outside (an operator, the kernel out of memory) have a count of their own: after
// max_outside_kills the document goes back, and is not blamed.
#pragma once

#include <chrono>
#include <cstdint>

namespace millrace::extraction {

enum class loss : std::uint8_t {
  crash,    ///< The process died or broke the protocol.
  timeout,  ///< Wall or CPU time.
  memory,   ///< Out of memory in the highest tier.
  killed,   ///< By somebody else.
};

/// How far a try got.
struct lost_try {
  std::uint32_t known = 0;     ///< Pages it was told to skip.
  std::uint32_t finished = 0;  ///< Pages finished, including the skipped ones.
  std::chrono::nanoseconds read_for{0};
};

class loss_record {
 public:
  static constexpr int max_outside_kills = 5;  ///< In one attempt.
  /// A first try does not report every page; unreported pages took less time than this.
  static constexpr auto untold_time = std::chrono::seconds{1};

  bool any() const { return losses_ > 0; }
  /// The document gets more memory; the counts of other causes stay.
  void note_escalation(const lost_try& t);
  /// True if the document is to be tried again.
  bool note(loss why, const lost_try& t, int crash_attempts);

 private:
  bool moved_on(const lost_try& t);

  int losses_ = 0;
  std::uint32_t finished_ = 0;  ///< At the last loss.
  int tries_ = 0;               ///< In a row on the same page.
  int kills_ = 0;
};

}  // namespace millrace::extraction
