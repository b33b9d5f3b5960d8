#include "runtime/database/embedded/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

#include "runtime/core/system_error.hpp"
#include "runtime/database/disk_lookup.hpp"

namespace millrace::postgres {

namespace {

constexpr std::size_t max_output_bytes = 64 << 10;
/// What a program that is told to end may still take to tidy up.
constexpr std::chrono::seconds term_limit{10};
constexpr std::chrono::milliseconds stop_interval{100};

/// Everything a child needs, laid out before fork: after it no memory may be allocated.
struct prepared_child {
  std::vector<char*> arguments;
  std::vector<char*> environment;
  const user_account* user = nullptr;
  int input = -1;
  int output = -1;
  int errors = -1;  ///< -1: where the output goes.
  int inherited = -1;
  pid_t parent = -1;  ///< Gets SIGTERM when this one ends; -1: outlives it.
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
  return {.arguments = pointers_to(p.arguments),
          .environment = pointers_to(p.environment),
          .user = other_user(p.user),
          .input = input,
          .output = output,
          .inherited = p.inherited};
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

/// After switch_user(), which would undo it. False if the parent has ended already.
bool end_with(pid_t parent) {
  return parent < 0 || (::prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && ::getppid() == parent);
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
                     ::dup2(child.errors < 0 ? STDOUT_FILENO : child.errors, STDERR_FILENO) >= 0 &&
                     ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0 &&
                     (child.inherited < 0 || ::fcntl(child.inherited, F_SETFD, 0) == 0) &&
                     ::chdir("/") == 0 && (child.user == nullptr || switch_user(*child.user)) &&
                     end_with(child.parent);
  if (ready) ::execve(child.arguments[0], child.arguments.data(), child.environment.data());
  const auto reason = -errno;  // negative: on the daemon's pipe a process id may come first
  [[maybe_unused]] const auto written = ::write(failure_pipe, &reason, sizeof reason);
  ::_exit(127);
}

// ------------------------------------------------------------------------------------------------

error cannot_start(const program& p, int reason) {
  if (is_exhaustion(reason)) return system_error(reason, p.arguments[0] + " could not be started");
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

/// A child of ours that ends with us.
struct started_child {
  pid_t pid = -1;
  std::optional<process_handle> handle;  ///< None: it has ended, and SIGCHLD is ignored here.
  unique_fd output;                      ///< All that it says, or its errors.
};

result<started_child> start_child(const program& p, int standard_output) {
  auto output = unique_fd{::memfd_create("output", MFD_CLOEXEC)};
  auto failure = make_pipe();
  if (!output || !failure) return tl::unexpected(cannot_start(p, errno));
  auto child = prepare(p, -1, standard_output < 0 ? output.get() : standard_output);
  child.errors = output.get();
  child.parent = ::getpid();
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
  auto handle = process_handle::of(pid);
  if (handle) return started_child{pid, std::move(*handle), std::move(output)};
  ::kill(-pid, SIGKILL);  // it cannot be waited for with a limit
  reap(pid);
  return tl::unexpected(handle.error());
}

bool ended_within(const started_child& child, std::chrono::milliseconds limit) {
  return !child.handle || child.handle->ended_within(limit);
}

/// Time to tidy up, then the end of its whole session.
void end_child(const started_child& child) {
  if (child.handle) child.handle->signal(SIGTERM);
  static_cast<void>(ended_within(child, term_limit));
  ::kill(-child.pid, SIGKILL);
  reap(child.pid);
}

bool is_below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

result<program_outcome> run_program(const program& p, std::chrono::milliseconds limit) {
  const auto child = start_child(p, -1);
  if (!child) return tl::unexpected(child.error());
  if (!ended_within(*child, limit)) {
    end_child(*child);
    return fail(ec::timeout, p.arguments[0] + " did not end within " +
                                 std::to_string(limit.count()) + " ms and was killed");
  }
  const auto status = reap(child->pid);
  return program_outcome{status, read_tail(child->output.get())};
}

result<program_outcome> run_program_until(const program& p, int output,
                                          const std::function<bool()>& stop) {
  const auto child = start_child(p, output);
  if (!child) return tl::unexpected(child.error());
  while (!ended_within(*child, stop_interval)) {
    if (!stop()) continue;
    end_child(*child);
    return fail(ec::cancelled, p.arguments[0] + " was ended before it was done");
  }
  const auto status = reap(child->pid);
  return program_outcome{status, read_tail(child->output.get())};
}

void kill_processes_in(const std::filesystem::path& folder) {
  const auto end = std::chrono::steady_clock::now() + term_limit;
  for (const auto& name : names_in("/proc").value_or(std::vector<std::string>{})) {
    const auto pid = std::atoi(name.c_str());
    if (pid <= 0 || pid == ::getpid()) continue;
    const auto process = process_handle::of(pid).value_or(std::nullopt);
    std::error_code gone;
    const auto working = std::filesystem::read_symlink("/proc/" + name + "/cwd", gone).native();
    if (gone || !process || !is_below(working, folder.native())) continue;
    process->signal(SIGKILL);
    process->ended_within(std::chrono::ceil<std::chrono::milliseconds>(
        std::max(end - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration{0})));
  }
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
  if (!answer)
    return tl::unexpected(system_error(errno, "no pipe for a child process could be made"));
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

result<std::optional<process_handle>> process_handle::of(pid_t pid) {
  auto descriptor = unique_fd{::pidfd_open(pid, 0)};
  if (descriptor) return process_handle{std::move(descriptor)};
  if (is_exhaustion(errno))
    return tl::unexpected(
        system_error(errno, "process " + std::to_string(pid) + " cannot be watched"));
  return std::nullopt;
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
