// Debounces the writes of a dataset's row: the first change starts its timer, everything until it
// fires is one write, and the last change is always written (a debounce that merely skips would
// lose it). A plain object of the status aggregator; bounded by the number of active datasets.
#pragma once

#include <cstdint>
#include <unordered_map>

namespace millrace {

class debouncer {
 public:
  /// A change of `key`: the generation of a timer to start now, or 0 where one is running.
  std::uint64_t changed(std::int64_t key) {
    ++changes_;
    auto& entry = entries_[key];
    if (entry != 0) return 0;
    return entry = ++generation_;
  }

  /// The timer fired. False where it is out of date (written since, or forgotten): then nothing is
  /// to be written.
  bool fired(std::int64_t key, std::uint64_t generation) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second != generation) return false;
    entries_.erase(found);
    return true;
  }

  /// Written for another reason (a terminal state): a running timer is void.
  void written(std::int64_t key) { entries_.erase(key); }

  /// Its write failed: as if it had changed just now. Returns the generation of the timer to start.
  std::uint64_t again(std::int64_t key) { return entries_[key] = ++generation_; }

  std::uint64_t changes() const { return changes_; }
  std::size_t pending() const { return entries_.size(); }

 private:
  std::unordered_map<std::int64_t, std::uint64_t>
      entries_;  // key → generation of its running timer
  std::uint64_t generation_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace millrace
