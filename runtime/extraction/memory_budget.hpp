// How much memory extractor processes may use: a cap for each by the size of its document, and one
// budget for the sum of the caps in use.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

#include "config/settings.hpp"

namespace millrace::extraction {

/// Caps of the address space, in bytes, smallest first: 512 MiB for documents below 1 MB,
/// memory_small below large_file, else memory_large. None is above the budget. A value.
class memory_tiers {
 public:
  memory_tiers(const extraction_settings& s, std::uint64_t budget_bytes);

  std::size_t tier_for(std::uint64_t document_bytes) const;
  std::uint64_t cap(std::size_t tier) const { return caps_.at(tier); }
  /// The next tier with a higher cap, for a document that died of memory in `tier`.
  std::optional<std::size_t> above(std::size_t tier) const;

 private:
  std::array<std::uint64_t, 3> caps_;
  std::uint64_t large_file_;
};

/// Any thread. Reservations are served in the order of their requests, so that a large one is not
/// starved by small ones; a request above the whole budget is cut to it. close() wakes and refuses
/// everyone.
class memory_budget {
 public:
  explicit memory_budget(std::uint64_t bytes) : total_{bytes} {}

  /// Waits until `bytes` fit. False once closed: nothing is reserved then. Never call while holding
  /// a reservation: two that wait for each other's share would wait for ever.
  bool reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes);
  void close();

  std::uint64_t total() const { return total_; }
  std::uint64_t in_use() const { return in_use_.load(std::memory_order_relaxed); }
  std::uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }
  /// Somebody waits: holders should let go between two documents.
  bool contended() const { return waiting_.load(std::memory_order_relaxed) > 0; }

 private:
  const std::uint64_t total_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ticket_ = 0;
  std::uint64_t serving_ = 0;
  bool closed_ = false;
  std::atomic<std::uint64_t> in_use_{0};
  std::atomic<std::uint64_t> peak_{0};
  std::atomic<int> waiting_{0};
};

/// Bytes of memory of this machine, or of the control group that this process is in where that is
/// less.
std::uint64_t available_memory_bytes();

}  // namespace millrace::extraction
