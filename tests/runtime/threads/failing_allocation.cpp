#include "tests/runtime/threads/failing_allocation.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/threads/guarded.hpp"

namespace millrace {

namespace {

std::atomic<const char*> wanted_job{nullptr};
std::atomic<int> wanted_allocation{0};
std::atomic<bool> has_failed{false};
/// Which failing_allocation the thread's countdown belongs to; an older one no longer counts.
std::atomic<int> generation{0};
thread_local int counted_for = 0;
thread_local int allocations_left = 0;

void begin_counting(const char* job) {
  const char* expected = wanted_job;
  if (expected == nullptr || std::strcmp(job, expected) != 0) return;
  if (!wanted_job.compare_exchange_strong(expected, nullptr)) return;
  counted_for = generation;
  allocations_left = wanted_allocation;
}

bool fails_now() {
  if (allocations_left == 0 || counted_for != generation || --allocations_left > 0) return false;
  has_failed = true;
  return true;
}

}  // namespace

failing_allocation::failing_allocation(const char* job, int nth) {
  ++generation;
  has_failed = false;
  wanted_allocation = nth;
  wanted_job = job;
  set_job_probe(begin_counting);
}

failing_allocation::~failing_allocation() {
  ++generation;
  wanted_job = nullptr;
  set_job_probe(nullptr);
}

bool failing_allocation::failed() const {
  return has_failed;
}

}  // namespace millrace

void* operator new(std::size_t bytes) {
  if (millrace::fails_now()) throw std::bad_alloc{};
  if (auto* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc{};
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
