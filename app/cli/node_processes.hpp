// The node processes that `millrace up` runs: started, watched, started again, stopped together.
// What they print is passed on line by line, behind their names. When this process is killed they
// are sent SIGTERM, and drain.
//
// Used from one thread, which must live as long as the nodes. step() waits at most its argument;
// nothing else blocks.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"
#include "runtime/flow/restart_policy.hpp"

namespace millrace::cli {

class node_processes {
 public:
  /// `program`: a path; `command`: the words that it is started with, the first one too, without
  /// the node's name.
  node_processes(std::string program, std::vector<std::string> command, restart_settings restart);
  /// Kills what still runs.
  ~node_processes();
  node_processes(const node_processes&) = delete;
  node_processes& operator=(const node_processes&) = delete;

  result<void> start(const std::string& name);
  /// Passes on output and looks after the processes. A sentence where one cannot be kept running.
  std::optional<std::string> step(std::chrono::milliseconds patience);
  /// From now on none is started again; to those that run: SIGTERM.
  void stop();
  void kill();
  bool any_alive() const;
  /// Every process that was told to stop ended with 0.
  bool all_well() const { return all_well_; }

 private:
  using clock = std::chrono::steady_clock;
  struct process {
    std::string name;
    restart_policy policy;
    pid_t pid = 0;                         ///< 0: not running.
    unique_fd handle;                      ///< A descriptor of the process.
    unique_fd output;                      ///< Its stdout and stderr.
    std::string line;                      ///< Begun and not ended.
    std::optional<clock::time_point> due;  ///< Starts again then.
    bool was_ready = false;                ///< At any time; else what it says is no accident.
  };

  result<void> spawn(process& p);
  std::optional<std::string> ended(process& p);
  void pass_on(process& p);
  void end_line(process& p);

  std::string program_;
  std::vector<std::string> command_;
  restart_settings restart_;
  std::vector<process> processes_;
  bool stopping_ = false;
  bool all_well_ = true;
};

}  // namespace millrace::cli
