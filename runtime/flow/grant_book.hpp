// Demand control on the consumer's side: what a consumer with a fixed limit has granted to its
// producers, what came, and what it still holds. A producer sends only what was granted, so nothing
// between the two can grow.
//
// Totals are cumulative per producer: an ask or a grant that is lost or repeated does no harm. An
// ask that does not fit waits in line (first come, first served) and is answered when room is made;
// one that is larger than the whole limit is granted alone, when nothing else is held or granted.
//
// A plain object of its consumer. At most one ask a producer waits.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

namespace millrace {

/// Work as items and their bytes.
struct demand {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const demand&, const demand&) = default;
  demand& operator+=(const demand& d) {
    items += d.items;
    bytes += d.bytes;
    return *this;
  }
};

class grant_book {
 public:
  using producer_id = std::uint64_t;

  explicit grant_book(demand limit) : limit_{limit} {}

  /// `total`: all that this producer has ever sent plus what it wants to send now. The answer is
  /// its new cumulative grant, or nothing: then it waits and release() or forget() will name it.
  std::optional<demand> ask(producer_id producer, demand total);

  /// Work arrived. False where it was not granted: the caller refuses it.
  [[nodiscard]] bool spend(producer_id producer, demand work);

  struct granted {
    producer_id producer = 0;
    demand total;
  };
  /// Held work has left. Returns whose asks are granted by the room it made.
  std::vector<granted> release(demand work);
  /// Work of the consumer's own, for as long as until release(): it takes part of the limit without
  /// a grant, and goes before asks that wait. False where there is no room.
  [[nodiscard]] bool hold(demand work);
  /// The producer is gone: what it was granted and did not use is free again.
  std::vector<granted> forget(producer_id producer);

  bool knows(producer_id producer) const { return accounts_.contains(producer); }
  demand held() const { return held_; }
  demand promised() const { return promised_; }  ///< Granted, not yet arrived.
  std::size_t waiting() const { return waiting_.size(); }
  demand limit() const { return limit_; }

 private:
  struct producer_account {
    demand granted;  ///< Cumulative.
    demand spent;    ///< Cumulative.
  };
  bool fits(demand extra) const;
  demand grant(producer_id producer, demand total);
  std::vector<granted> serve_waiting();

  demand limit_;
  demand held_;
  demand promised_;
  std::unordered_map<producer_id, producer_account> accounts_;
  std::deque<granted> waiting_;  ///< `total` as asked.
};

}  // namespace millrace
