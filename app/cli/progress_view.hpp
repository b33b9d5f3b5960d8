// Shows how a run goes: a bar that is redrawn on a terminal, a line every few seconds elsewhere. On
// standard error, so that standard output stays what the command prints.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace millrace::cli {

struct run_progress {
  std::int64_t total = 0;
  std::int64_t ready = 0;
  std::int64_t failed = 0;
  std::string notice;  ///< Such as why claims are paused.
};

class progress_view {
 public:
  using clock = std::chrono::steady_clock;
  /// `quiet`: shows nothing but notices.
  progress_view(bool quiet, clock::time_point start);
  progress_view(const progress_view&) = delete;
  progress_view& operator=(const progress_view&) = delete;
  ~progress_view();
  void show(const run_progress& p);
  /// A line of its own, above the bar.
  void say(const std::string& line);
  /// Takes the bar away, until it is shown again.
  void clear();

 private:
  std::string line(const run_progress& p) const;

  static constexpr auto plain_interval = std::chrono::seconds{5};
  bool quiet_;
  bool terminal_;
  bool drawn_ = false;
  clock::time_point start_;
  clock::time_point last_plain_;
  std::string last_notice_;
  /// Done at the first look: what was done before does not count into the rate.
  std::int64_t first_done_ = -1;
};

}  // namespace millrace::cli
