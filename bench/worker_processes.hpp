// Runs a function over files in forked processes that take the next file as they get free, and adds
// up what they count; for benchmarks that measure a library without Millrace around it. Call from a
// single-threaded process. A child that dies ends the benchmark.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace millrace::bench {

/// In memory that the processes share.
struct shared_totals {
  std::atomic<std::uint64_t> next{0};  ///< Index of the file that is taken next.
  std::atomic<std::uint64_t> documents{0};
  std::atomic<std::uint64_t> pages{0};
  std::atomic<std::uint64_t> bytes{0};   ///< Of text, UTF-8.
  std::atomic<std::uint64_t> failed{0};  ///< Documents without a result.
};

struct totals {
  double seconds = 0;      ///< Wall-clock time.
  double cpu_seconds = 0;  ///< User and system, all processes.
  std::uint64_t documents = 0;
  std::uint64_t pages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t failed = 0;

  void print() const;  ///< One line of names and values, for bench/peers.py.
};

std::vector<std::string> read_paths(std::istream& in);  ///< One a line.

/// User and system time of this process and of its children that have ended.
double cpu_seconds_so_far();

totals run_in_processes(int workers, const std::vector<std::string>& paths,
                        const std::function<void(const std::string&, shared_totals&)>& work);

}  // namespace millrace::bench
