#include "runtime/extraction/find_extractor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/core/system_error.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace {

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

/// What a shell, and the dynamic linker of glibc, end with if a program cannot be run.
constexpr int cannot_run = 127;
constexpr std::size_t max_words = 4096;

result<fs::path> look_for_extractor() {
  const auto usable = [](const fs::path& p) {
    std::error_code ignored;
    return fs::is_regular_file(p, ignored) && ::access(p.c_str(), X_OK) == 0;
  };
  if (const char* given = std::getenv("MILLRACE_EXTRACTOR"); given != nullptr && *given != '\0') {
    if (usable(given)) return fs::path{given};
    return fail(ec::extractor_missing, std::string{"MILLRACE_EXTRACTOR names "} + given +
                                           ", which is not an executable file");
  }
  std::error_code failed;
  const auto here = fs::read_symlink("/proc/self/exe", failed).parent_path();
  const std::array places{here / "millrace-extractor", here / "../extractor/millrace-extractor",
                          here / "../libexec/millrace/millrace-extractor"};
  for (const auto& place : places)
    if (usable(place)) return place.lexically_normal();
  return fail(ec::extractor_missing, "millrace-extractor was not found in " + here.string() +
                                         " or " +
                                         places[2].lexically_normal().parent_path().string() +
                                         "; install it or set MILLRACE_EXTRACTOR");
}

std::chrono::milliseconds time_to(clock::time_point end) {
  return std::chrono::ceil<std::chrono::milliseconds>(
      std::max(end - clock::now(), clock::duration{0}));
}

bool ends_until(pid_t pid, clock::time_point end) {
  const unique_fd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  pollfd ended{process.get(), POLLIN, 0};
  return process && ::poll(&ended, 1, static_cast<int>(time_to(end).count())) > 0;
}

/// Up to max_words; ends when the other side closes, or `end` is over.
std::string read_words(int fd, clock::time_point end) {
  std::string words;
  std::array<char, 512> buffer;
  while (words.size() < max_words) {
    pollfd readable{fd, POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(time_to(end).count())) <= 0) break;
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got <= 0) break;
    words.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return words;
}

/// "libpoppler.so.126" of "… error while loading shared libraries: libpoppler.so.126: cannot …".
std::string missing_library(const std::string& words) {
  constexpr std::string_view mark = "error while loading shared libraries: ";
  const auto at = words.find(mark);
  if (at == std::string::npos) return {};
  const auto name = words.substr(at + mark.size());
  return name.substr(0, name.find(':'));
}

/// Without a node's socket it says so and ends.
result<void> check_that_it_starts(const fs::path& extractor) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return tl::unexpected(system_error(errno, extractor.string() + " cannot be started"));
  const unique_fd says{ends[0]};
  unique_fd hears{ends[1]};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, hears.get(), 2);
  // Where it looks for the node's socket: whoever started this program may have left one there.
  ::posix_spawn_file_actions_addopen(&actions, 3, "/dev/null", O_RDONLY, 0);
  std::string path = extractor.native();
  char* arguments[] = {path.data(), nullptr};
  pid_t pid = -1;
  const int problem = ::posix_spawn(&pid, path.c_str(), &actions, nullptr, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0)
    return tl::unexpected(
        system_error(problem, path + " cannot be started", ec::extractor_missing));
  hears.reset();
  const auto end = clock::now() + extractor_start_limit;
  const auto words = read_words(says.get(), end);
  if (!ends_until(pid, end)) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (const auto library = missing_library(words); !library.empty())
    return fail(ec::extractor_missing,
                path + " does not start: " + library +
                    " is missing or of another version than it was built with; install the "
                    "millrace package of this system's release, or build it here (`make install`)");
  for (const auto* other : {"undefined symbol", "symbol lookup error", "' not found (required by"})
    if (words.find(other) != std::string::npos)
      return fail(ec::extractor_missing,
                  path +
                      " does not start: a library is of another version than it was built with; "
                      "install the millrace package of this system's release, or build it here "
                      "(`make install`) (" +
                      words.substr(0, words.find('\n')) + ")");
  if (WIFEXITED(status) && WEXITSTATUS(status) != cannot_run) return {};
  return fail(ec::extractor_missing,
              path + " does not start" +
                  (words.empty() ? std::string{} : ": " + words.substr(0, words.find('\n'))));
}

}  // namespace

result<fs::path> find_extractor() {
  auto found = look_for_extractor();
  if (!found) return found;
  if (auto starts = check_that_it_starts(*found); !starts)
    return tl::unexpected<error>(starts.error());
  return found;
}

}  // namespace millrace
