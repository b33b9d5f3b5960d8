#include "runtime/extraction/loss_record.hpp"

#include <algorithm>

namespace millrace::extraction {

void loss_record::note_escalation(const lost_try& t) {
  moved_on(t);
}

bool loss_record::note(loss why, const lost_try& t, int crash_attempts) {
  const bool moved = moved_on(t);
  switch (why) {
    case loss::memory:
      return moved;
    case loss::killed:
      return ++kills_ < max_outside_kills;
    case loss::crash:
    case loss::timeout:
      break;
  }
  if (moved) tries_ = 0;
  return ++tries_ < crash_attempts;
}

bool loss_record::moved_on(const lost_try& t) {
  const bool first = losses_ == 0;
  const bool after_the_first = losses_ == 1;  // which did not tell each page
  const auto before = first ? t.known : finished_;
  ++losses_;
  finished_ = std::max(before, t.finished);
  return t.finished > before && (!after_the_first || t.read_for >= untold_time);
}

}  // namespace millrace::extraction
