// Starting PostgreSQL's programs as another user, and watching processes that need not be our
// children.
//
// Thread-safe: what runs between fork and exec is prepared before and async-signal-safe. A program
// inherits no descriptor but its standard three, starts in `/` in a session of its own (Ctrl-C in
// our terminal is ours) and with the default signal handlers. Every wait is bounded by its
// argument. These calls block.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "runtime/core/error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace::postgres {

struct user_account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;  ///< For messages.
  std::string home;  ///< May be empty.
};

struct program {
  std::vector<std::string> arguments = {};    ///< The first is the absolute path of the executable.
  std::vector<std::string> environment = {};  ///< All of it, as NAME=value.
  std::optional<user_account> user =
      {};  ///< Unset: the user we are. Only root may ask for another.
  /// A borrowed descriptor that it and its children inherit under the same number, -1: none. The
  /// descriptor of a lock keeps the lock until all of them have ended.
  int inherited = -1;
};

struct program_outcome {
  int exit_status = 0;  ///< Above 128: ended by signal exit_status - 128.
  std::string output;   ///< Of stdout and stderr together, its last 64 KiB.
};

/// Runs to the end. After `limit` it gets SIGTERM, and 10 s later is killed with all its children
/// (ec::timeout). If the thread that waits for it ends, however it ends, it gets SIGTERM too.
result<program_outcome> run_program(const program& p, std::chrono::milliseconds limit);

/// Runs to the end, or until `stop`, asked ten times a second, is true: then it is ended and what
/// comes back is ec::cancelled. Its standard output goes to `output`, borrowed (-1: with the other
/// output); the outcome has its standard error.
result<program_outcome> run_program_until(const program& p, int output,
                                          const std::function<bool()>& stop);

/// Starts a program that outlives us and is not our child; `input` and `output` (also stderr) are
/// borrowed descriptors, -1 is /dev/null. Returns its process id.
result<pid_t> start_daemon(const program& p, int input, int output);

/// Kills the processes whose working directory is `folder` or below it, and waits, at most 10 s,
/// until they have ended. Those of other users only root sees.
void kill_processes_in(const std::filesystem::path& folder);

/// The index of the first of `folders` that `user` may not enter, none where all are open.
result<std::optional<std::size_t>> first_closed_folder(const std::vector<std::string>& folders,
                                                       const user_account& user);

/// A process by descriptor: cannot be confused with a later one of the same id.
class process_handle {
 public:
  /// Nothing if the process does not exist; resource_exhausted if no descriptor is left.
  static result<std::optional<process_handle>> of(pid_t pid);

  /// True once the process has ended; waits at most `limit`.
  bool ended_within(std::chrono::milliseconds limit) const;
  void signal(int number) const;

 private:
  explicit process_handle(unique_fd descriptor) : descriptor_{std::move(descriptor)} {}
  unique_fd descriptor_;
};

}  // namespace millrace::postgres
