// Another program, started, fed, signalled and waited for. It is killed where it does not end in
// time, and when the object goes. For one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace {

inline constexpr std::chrono::seconds patience{60};

/// Asks until it is so; false where `limit` passed before.
bool eventually(const std::function<bool()>& is_so, std::chrono::seconds limit = patience);

struct outcome {
  int exit_code = -1;  ///< 128 + the signal that ended it; -1: killed because it did not end.
  std::string out;
  std::string err;
};

class program {
 public:
  /// argv[0] is the path of the executable. The environment is PATH, HOME, TMPDIR and
  /// `environment`.
  program(const std::vector<std::string>& argv, std::map<std::string, std::string> environment,
          const std::string& input = {});
  ~program();
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  /// -1: it has ended.
  pid_t pid() const { return pid_; }
  /// After SIGSTOP all of its threads have stopped.
  void signal(int number) const;
  bool running();
  /// What it has printed so far.
  std::string out() const;
  std::string err() const;
  /// Waits until it has said this on standard error.
  bool says(const std::string& words);
  outcome wait(std::chrono::seconds limit = patience);

 private:
  temporary_directory files_;
  pid_t pid_ = -1;
  int exit_code_ = -1;
};

/// True where a process of this user has a socket open: a command that asks a node.
bool has_socket(pid_t pid);

std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace millrace
