#include "runtime/database/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {  // the header of glibc 2.36 forgets to say so
#include <sys/pidfd.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace millrace::postgres {

namespace {

constexpr std::size_t max_output_bytes = 64 << 10;

/// Everything a child needs, laid out before fork: after it no memory may be allocated.
struct prepared_child {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const user_account* user = nullptr;
  int input = -1;
  int output = -1;
};

std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const auto& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

const user_account* other_user(const std::optional<user_account>& user) {
  return user && user->uid != ::geteuid() ? &*user : nullptr;
}

prepared_child prepare(const program& p, int input, int output) {
  return {pointers_to(p.arguments), pointers_to(p.environment), other_user(p.user), input, output};
}

/// Blocks all signals around fork, so that no handler of ours runs in the child.
class signals_blocked {
 public:
  signals_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;

 private:
  sigset_t previous_;
};

// The functions that follow run between fork and exec: async-signal-safe calls only.

bool switch_user(const user_account& user) {
  return ::setgroups(1, &user.gid) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

void reset_signals() {
  // Ignored signals survive exec; initdb for one cannot work while SIGCHLD is ignored.
  constexpr std::array inherited = {SIGCHLD, SIGPIPE, SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1};
  for (const auto number : inherited) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become(const prepared_child& child, int failure_pipe) {
  ::setsid();
  reset_signals();
  ::umask(077);
  const auto null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const auto ready = ::dup2(child.input < 0 ? null : child.input, STDIN_FILENO) >= 0 &&
                     ::dup2(child.output < 0 ? null : child.output, STDOUT_FILENO) >= 0 &&
                     ::dup2(STDOUT_FILENO, STDERR_FILENO) >= 0 &&
                     ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0 && ::chdir("/") == 0 &&
                     (child.user == nullptr || switch_user(*child.user));
  if (ready) ::execve(child.arguments[0], child.arguments.data(), child.environment.data());
  const auto reason = -errno;  // negative: on the daemon's pipe a process id may come first
  [[maybe_unused]] const auto written = ::write(failure_pipe, &reason, sizeof reason);
  ::_exit(127);
}

// ------------------------------------------------------------------------------------------------

error cannot_start(const program& p, int reason) {
  return {ec::database_error, p.arguments[0] + " could not be started: " + std::strerror(reason)};
}

/// Reads one int; false at the end of the pipe.
bool read_int(int descriptor, int& value) {
  auto got = ssize_t{0};
  do got = ::read(descriptor, &value, sizeof value);
  while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof value);
}

/// The end of a child of ours.
int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return 0;  // ECHILD: SIGCHLD is ignored here, and the status lost
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string read_tail(int descriptor) {
  const auto size = static_cast<std::size_t>(std::max<off_t>(0, ::lseek(descriptor, 0, SEEK_END)));
  std::string tail(std::min(size, max_output_bytes), '\0');
  const auto got = ::pread(descriptor, tail.data(), tail.size(), size - tail.size());
  tail.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return tail;
}

struct pipe_pair {
  unique_fd read;
  unique_fd write;
};

std::optional<pipe_pair> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return pipe_pair{unique_fd{ends[0]}, unique_fd{ends[1]}};
}

}  // namespace

result<program_outcome> run_program(const program& p, std::chrono::milliseconds limit) {
  const auto output = unique_fd{::memfd_create("output", MFD_CLOEXEC)};
  auto failure = make_pipe();
  if (!output || !failure) return tl::unexpected(cannot_start(p, errno));
  const auto child = prepare(p, -1, output.get());
  auto pid = pid_t{-1};
  {
    const signals_blocked guard;
    pid = ::fork();
    if (pid == 0) become(child, failure->write.get());
  }
  if (pid < 0) return tl::unexpected(cannot_start(p, errno));
  failure->write.reset();
  if (int reason = 0; read_int(failure->read.get(), reason)) {
    reap(pid);
    return tl::unexpected(cannot_start(p, -reason));
  }
  const auto handle = process_handle::of(pid);
  if (handle && !handle->ended_within(limit)) {
    ::kill(-pid, SIGKILL);  // its session, children included
    reap(pid);
    return fail(ec::timeout, p.arguments[0] + " did not end within " +
                                 std::to_string(limit.count()) + " ms and was killed");
  }
  const auto status = reap(pid);
  return program_outcome{status, read_tail(output.get())};
}

result<pid_t> start_daemon(const program& p, int input, int output) {
  auto report = make_pipe();
  if (!report) return tl::unexpected(cannot_start(p, errno));
  const auto child = prepare(p, input, output);
  auto middle = pid_t{-1};
  {
    const signals_blocked guard;
    middle = ::fork();
    if (middle == 0) {  // ends at once, so that init adopts and reaps the daemon
      const int daemon = ::fork();
      if (daemon == 0) become(child, report->write.get());
      const int answer = daemon < 0 ? -errno : daemon;
      [[maybe_unused]] const auto written = ::write(report->write.get(), &answer, sizeof answer);
      ::_exit(0);
    }
  }
  if (middle < 0) return tl::unexpected(cannot_start(p, errno));
  report->write.reset();
  reap(middle);
  // The process id and, where exec failed, its negative errno arrive in either order.
  int first = 0;
  int second = 0;
  if (!read_int(report->read.get(), first)) return tl::unexpected(cannot_start(p, ECHILD));
  read_int(report->read.get(), second);
  if (const auto reason = std::min(first, second); reason < 0)
    return tl::unexpected(cannot_start(p, -reason));
  return first;
}

result<std::optional<std::size_t>> first_closed_folder(const std::vector<std::string>& folders,
                                                       const user_account& user) {
  auto answer = make_pipe();
  if (!answer) return fail(ec::database_error, "no pipe for a child process could be made");
  const auto paths = pointers_to(folders);
  auto pid = pid_t{-1};
  {
    const signals_blocked guard;
    pid = ::fork();
    if (pid == 0) {
      auto closed = user.uid == ::geteuid() || switch_user(user) ? -1 : 0;
      for (int i = 0; closed < 0 && paths[static_cast<std::size_t>(i)] != nullptr; ++i)
        if (::access(paths[static_cast<std::size_t>(i)], X_OK) != 0) closed = i;
      [[maybe_unused]] const auto written = ::write(answer->write.get(), &closed, sizeof closed);
      ::_exit(0);
    }
  }
  answer->write.reset();
  int closed = -1;
  const auto answered = pid > 0 && read_int(answer->read.get(), closed);
  if (pid > 0) reap(pid);
  if (!answered) return fail(ec::database_error, "a child process could not be started");
  if (closed < 0) return std::nullopt;
  return static_cast<std::size_t>(closed);
}

std::optional<process_handle> process_handle::of(pid_t pid) {
  auto descriptor = unique_fd{::pidfd_open(pid, 0)};
  if (!descriptor) return std::nullopt;
  return process_handle{std::move(descriptor)};
}

bool process_handle::ended_within(std::chrono::milliseconds limit) const {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd end{descriptor_.get(), POLLIN, 0};
    const auto ready = ::poll(&end, 1, std::max(0, static_cast<int>(left.count())));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

void process_handle::signal(int number) const {
  ::pidfd_send_signal(descriptor_.get(), number, nullptr, 0);
}

}  // namespace millrace::postgres
