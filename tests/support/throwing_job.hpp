// Makes a job of a runtime thread throw (runtime/threads/guarded.hpp). One object at a time.
#pragma once

#include <atomic>
#include <cstring>
#include <new>

#include "runtime/threads/guarded.hpp"

namespace millrace {

/// While this lives, the nth job of this name that begins throws std::bad_alloc.
class throwing_job {
 public:
  explicit throwing_job(const char* job, int nth = 1) {
    name = job;
    throws_at = nth;
    count = 0;
    set_job_probe(probe);
  }
  ~throwing_job() { set_job_probe(nullptr); }
  throwing_job(const throwing_job&) = delete;
  throwing_job& operator=(const throwing_job&) = delete;

  /// Jobs of this name that have begun, the one that threw included.
  int begun() const { return count; }

 private:
  static void probe(const char* job) {
    if (std::strcmp(job, name) == 0 && ++count == throws_at) throw std::bad_alloc{};
  }

  static inline std::atomic<const char*> name{""};
  static inline std::atomic<int> throws_at{1};
  static inline std::atomic<int> count{0};
};

}  // namespace millrace
