#include "runtime/threads/guarded.hpp"

#include <atomic>
#include <exception>

#include <spdlog/spdlog.h>

namespace millrace {

namespace {

std::atomic<job_probe> probe_of_tests{nullptr};

}  // namespace

void set_job_probe(job_probe probe) noexcept {
  probe_of_tests = probe;
}

job_probe current_job_probe() noexcept {
  return probe_of_tests.load(std::memory_order_relaxed);
}

error caught_in(const char* job) noexcept {
  error why;  // with an empty message, for which no memory is needed
  try {
    std::string said = "an exception of an unknown type";
    try {
      throw;
    } catch (const std::exception& e) {
      said = e.what();
    } catch (...) {
    }
    spdlog::error("an exception in a job of the thread `{}`: {}", job, said);
    why.message = std::string{"an exception in `"} + job + "`: " + said;
  } catch (...) {
  }
  return why;
}

}  // namespace millrace
