#include "runtime/extraction/memory_budget.hpp"

#include <algorithm>
#include <fstream>
#include <string>

#include <unistd.h>

namespace millrace::extraction {

namespace {

constexpr std::uint64_t lowest_cap = (512_MiB).bytes;
constexpr std::uint64_t small_file = 1'000'000;  // bytes

/// The number in a control file; nothing where the file is missing or says "max".
std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file{path};
  std::uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

/// The path of this process in the unified hierarchy, "/" where there is none (or in a private
/// namespace).
std::string control_group() {
  std::ifstream file{"/proc/self/cgroup"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return "/";
}

}  // namespace

memory_tiers::memory_tiers(const extraction_settings& s, std::uint64_t budget_bytes)
    : large_file_{s.large_file.bytes} {
  const auto large = std::min(budget_bytes, std::max(s.memory_small, s.memory_large).bytes);
  const auto small = std::min(large, s.memory_small.bytes);
  caps_ = {std::min(small, lowest_cap), small, large};
}

std::size_t memory_tiers::tier_for(std::uint64_t document_bytes) const {
  if (document_bytes < small_file) return 0;
  return document_bytes < large_file_ ? 1 : 2;
}

std::optional<std::size_t> memory_tiers::above(std::size_t tier) const {
  for (auto higher = tier + 1; higher < caps_.size(); ++higher)
    if (caps_[higher] > caps_[tier]) return higher;
  return std::nullopt;
}

bool memory_budget::reserve(std::uint64_t bytes) {
  bytes = std::min(bytes, total_);
  std::unique_lock lock{mutex_};
  const auto ticket = next_ticket_++;
  ++waiting_;
  // Holders are bounded by the time-out of their documents, and close() wakes everyone.
  changed_.wait(lock, [&] { return closed_ || (ticket == serving_ && in_use_ + bytes <= total_); });
  --waiting_;
  ++serving_;
  if (!closed_) {
    in_use_ += bytes;
    peak_ = std::max(peak_.load(), in_use_.load());
  }
  const bool granted = !closed_;
  lock.unlock();
  changed_.notify_all();
  return granted;
}

void memory_budget::release(std::uint64_t bytes) {
  {
    const std::lock_guard lock{mutex_};
    in_use_ -= std::min(bytes, total_);
  }
  changed_.notify_all();
}

void memory_budget::close() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
  }
  changed_.notify_all();
}

std::uint64_t available_memory_bytes() {
  auto bytes = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
               static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::string root = "/sys/fs/cgroup";
  for (auto group = control_group();;) {  // a parent's limit binds too
    if (const auto limit = number_in(root + group + "/memory.max")) bytes = std::min(bytes, *limit);
    if (group.size() <= 1) break;
    group.resize(group.find_last_of('/'));
  }
  if (const auto limit = number_in(root + "/memory/memory.limit_in_bytes"))  // version 1
    bytes = std::min(bytes, *limit);
  return bytes;
}

}  // namespace millrace::extraction
