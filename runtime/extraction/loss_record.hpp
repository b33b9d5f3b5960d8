// How often a document lost the process that read it, and whether it is worth another try at once.
// Pure, a value, of one document.
//
// A crash and a time-out are tried extraction.crash_attempts times in a row on the same page. A
// document that finished pages since its last loss has moved on: its tries start again. Lack of
// memory in the highest tier ends a document that did not move on. Whoever kills processes from
// outside (an operator, a machine out of memory) uses up none of the document's own tries; after
// max_outside_kills it goes back, and is not blamed.
#pragma once

#include <chrono>
#include <cstdint>

namespace millrace::extraction {

enum class loss : std::uint8_t {
  crash,    ///< Or an answer that is nonsense.
  timeout,  ///< Of wall or CPU time.
  memory,   ///< In the highest tier that there is.
  killed,   ///< From outside.
};

/// How far a try had come.
struct lost_try {
  std::uint32_t known = 0;     ///< Pages that it was told to skip.
  std::uint32_t finished = 0;  ///< Pages, those included.
  std::chrono::nanoseconds read_for{0};
};

class loss_record {
 public:
  static constexpr int max_outside_kills = 5;  ///< In one attempt.
  /// A first try does not tell each page. What it does not tell takes less than this.
  static constexpr auto untold_time = std::chrono::seconds{1};

  bool any() const { return losses_ > 0; }
  /// More memory is given; says nothing about the other causes.
  void note_escalation(const lost_try& t);
  /// True if the document is to be tried again.
  bool note(loss why, const lost_try& t, int crash_attempts);

 private:
  bool moved_on(const lost_try& t);

  int losses_ = 0;
  std::uint32_t finished_ = 0;  ///< At the last loss.
  int tries_ = 0;               ///< On the same page.
  int kills_ = 0;
};

}  // namespace millrace::extraction
