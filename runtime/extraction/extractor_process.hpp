// One extractor process and the node's end of its socket.
//
// Used by one thread, which also starts it: that thread gives up the right to gain privileges
// (PR_SET_NO_NEW_PRIVS) for itself and for what it starts. The process has an empty environment,
// its own process group, no descriptors but its socket and /dev/null, and no core files; it is
// killed and reaped with this object.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/extraction/channel.hpp"

namespace millrace::extraction {

/// False in sanitizer builds, which reserve terabytes of addresses: resident memory is watched
/// there instead. The thread sanitizer keeps four bytes of its own for each byte that the program
/// touches.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool limits_address_space = false;
inline constexpr std::uint64_t resident_per_byte = 5;
#elif defined(__SANITIZE_ADDRESS__)
inline constexpr bool limits_address_space = false;
inline constexpr std::uint64_t resident_per_byte = 1;
#else
inline constexpr bool limits_address_space = true;
inline constexpr std::uint64_t resident_per_byte = 1;
#endif

/// How a process ended: by a signal, else with an exit code.
struct process_end {
  int signal = 0;
  int exit_code = 0;
  bool killed_here = false;  ///< end() had to kill it.

  /// By an operator, the kernel out of memory: no signal that a program's own faults raise.
  bool is_from_outside() const;
  /// "crashed (SIGSEGV)", "ended without an answer (exit code 0)", to follow "the parser".
  std::string to_string() const;
};

/// What millrace-extractor is told about its sandbox.
std::vector<std::string> sandbox_arguments(const extraction_settings& s);

class extractor_process {
 public:
  /// Starts `executable` and waits for its greeting, at most start_timeout, less once `cancel` (an
  /// eventfd) is readable. extractor_missing where it cannot be started or does not greet.
  static result<std::unique_ptr<extractor_process>> start(
      const std::filesystem::path& executable, int cancel,
      const std::vector<std::string>& arguments = {});
  ~extractor_process();
  extractor_process(const extractor_process&) = delete;
  extractor_process& operator=(const extractor_process&) = delete;

  channel& socket() { return channel_; }
  pid_t pid() const { return pid_; }

  /// Caps the address space from now on; without effect where limits_address_space is false.
  void limit_address_space(std::uint64_t bytes);
  /// Lets the process use `more` CPU time from now on, in all its threads; then it ends by itself,
  /// whether anybody watches it or not.
  void allow_cpu_time(std::chrono::seconds more);
  /// Bytes of addresses and of memory in use; 0 where they cannot be read.
  std::uint64_t address_space() const { return statm(0); }
  std::uint64_t resident() const { return statm(1) / resident_per_byte; }

  /// Waits until the process ends by itself, at most `grace`, then kills it and everything it
  /// started. Idempotent.
  process_end end(std::chrono::milliseconds grace);

 private:
  extractor_process(pid_t pid, unique_fd handle, unique_fd socket);
  result<void> await_greeting(int cancel);
  std::uint64_t statm(int field) const;
  bool reap(std::chrono::milliseconds patience);

  pid_t pid_;
  unique_fd handle_;  ///< pidfd: readable once the process has ended.
  channel channel_;
  bool reaped_ = false;
  process_end end_;
};

}  // namespace millrace::extraction
