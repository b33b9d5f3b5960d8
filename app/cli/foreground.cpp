#include "app/cli/foreground.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "runtime/core/system_error.hpp"

extern char** environ;

namespace millrace::cli {

result<int> run_in_foreground(const std::vector<char*>& argv) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);  // the signals that this process blocks
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int problem = posix_spawnp(&child, argv[0], nullptr, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (problem != 0)
    return fail(ec::internal, std::string{argv[0]} + " cannot be started: " +
                                  std::strerror(problem) + "; install postgresql-client-15");
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return tl::unexpected<error>(system_error(errno, argv[0]));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace millrace::cli
