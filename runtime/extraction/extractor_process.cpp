#include "runtime/extraction/extractor_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/core/system_error.hpp"
#include "runtime/extraction/exit_codes.hpp"

namespace millrace::extraction {

namespace {

using namespace std::chrono_literals;

constexpr auto start_timeout = 20s;  ///< From exec to the greeting, on a busy machine.
constexpr auto kill_timeout = 10s;   ///< From SIGKILL to the end, which a hanging disk may delay.
constexpr rlim_t max_open_files = 256;

/// What posix_spawn is told, freed with the object.
struct spawn_plan {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  explicit spawn_plan(int socket) {
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, socket, extractor_socket);
    posix_spawn_file_actions_addclosefrom_np(&files, extractor_socket + 1);
    // A node may block or ignore signals; its extractors start with all of them in their default
    // state.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
  }
  ~spawn_plan() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;
};

tl::unexpected<error> cannot_start(const std::filesystem::path& executable,
                                   const std::string& why) {
  return fail(ec::extractor_missing, "the extractor " + executable.string() + " " + why +
                                         "; install millrace-extractor or set MILLRACE_EXTRACTOR");
}

/// A failed system call. Running out of descriptors or processes is not the installation's fault.
tl::unexpected<error> cannot_start(const std::filesystem::path& executable, const std::string& why,
                                   int number) {
  if (!is_exhaustion(number))
    return cannot_start(executable, why + ": " + std::generic_category().message(number));
  return tl::unexpected<error>(
      system_error(number, "the extractor " + executable.string() + " " + why));
}

/// Sets the soft limit only: without privileges a hard limit could never be raised again for the
/// next document.
void limit(pid_t pid, __rlimit_resource what, rlim_t value) {
  rlimit now{};
  if (::prlimit(pid, what, nullptr, &now) != 0) return;  // it has ended; its socket will tell
  now.rlim_cur = std::min(value, now.rlim_max);
  ::prlimit(pid, what, &now, nullptr);
}

/// False where it has become another user and this one lacks the right. limit() would be silent,
/// and the parser without limits.
bool may_limit(pid_t pid) {
  rlimit now{};
  return ::prlimit(pid, RLIMIT_AS, nullptr, &now) == 0 || errno != EPERM;
}

}  // namespace

namespace {

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return "SIG" + (name != nullptr ? std::string{name} : std::to_string(signal));
}

}  // namespace

bool process_end::is_from_outside() const {
  constexpr std::array own = {SIGSEGV, SIGBUS,  SIGILL,  SIGFPE,  SIGABRT,
                              SIGSYS,  SIGTRAP, SIGXCPU, SIGXFSZ, SIGPIPE};
  return signal != 0 && !killed_here && std::find(own.begin(), own.end(), signal) == own.end();
}

std::string process_end::to_string() const {
  if (killed_here) return "closed its socket and did not end";
  if (is_from_outside())
    return "was killed from outside (" + signal_name(signal) +
           "), by an operator or because the machine is out of memory";
  if (signal == SIGBUS) return "crashed (SIGBUS); was the file cut short while it was read?";
  if (signal == SIGXCPU) return "used up its CPU time (SIGXCPU)";
  if (signal != 0) return "crashed (" + signal_name(signal) + ")";
  if (exit_code == sandbox_exit_code)
    return "could not lock itself into its sandbox (Landlock and seccomp)";
  if (exit_code == landlock_exit_code)
    return "needs Landlock, which this kernel does not have (Linux 5.13 or newer, with landlock "
           "among its security modules); extraction.sandbox = \"best_effort\" does without";
  if (exit_code == not_executable_exit_code)
    return "may not be executed, by this user or by `nobody`, which root becomes";
  if (exit_code == not_found_exit_code) return "is not there";
  return "ended without an answer (exit code " + std::to_string(exit_code) + ")";
}

std::vector<std::string> sandbox_arguments(const extraction_settings& s) {
  if (s.sandbox == "best_effort") return {"--without-landlock"};
  return {};
}

result<std::unique_ptr<extractor_process>> extractor_process::start(
    const std::filesystem::path& executable, int cancel,
    const std::vector<std::string>& arguments) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return cannot_start(executable, "cannot be given a socket", errno);
  unique_fd ours{pair[0]};
  unique_fd theirs{pair[1]};
  // Above the numbers that the child's own descriptors take, or opening /dev/null would close it.
  unique_fd high{::fcntl(theirs.get(), F_DUPFD_CLOEXEC, extractor_socket + 1)};
  if (!high) return cannot_start(executable, "cannot be given a socket", errno);

  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);  // of this thread, inherited by its children
  const spawn_plan plan{high.get()};
  std::vector<std::string> words{executable.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  std::array<char*, 1> environment{nullptr};  // a hijacked parser must find no secret in it
  pid_t pid = 0;
  if (const int failed = ::posix_spawn(&pid, words.front().c_str(), &plan.files, &plan.attributes,
                                       pointers.data(), environment.data());
      failed != 0)
    return cannot_start(executable, "cannot be started", failed);
  // By number: glibc 2.36 declares pidfd_open() without C linkage.
  unique_fd handle{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!handle) {
    const int why = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return cannot_start(executable, "cannot be watched", why);
  }
  std::unique_ptr<extractor_process> process{
      new extractor_process{pid, std::move(handle), std::move(ours)}};
  limit(pid, RLIMIT_CORE, 0);
  limit(pid, RLIMIT_NOFILE, max_open_files);
  theirs.reset();
  high.reset();  // so that the end of the process is the end of the stream
  if (auto greeted = process->await_greeting(cancel); !greeted) {
    return cannot_start(executable, greeted.error().message);
  }
  if (!may_limit(pid)) return cannot_start(executable, "cannot be limited", errno);
  return process;
}

extractor_process::extractor_process(pid_t pid, unique_fd handle, unique_fd socket)
    : pid_{pid}, handle_{std::move(handle)}, channel_{std::move(socket)} {}

extractor_process::~extractor_process() {
  end(0ms);
}

result<void> extractor_process::await_greeting(int cancel) {
  const auto deadline = channel::clock::now() + start_timeout;
  for (;;) {
    auto taken = channel_.next_frame();
    if (!taken) return tl::unexpected{taken.error()};
    if (*taken) {
      if ((*taken)->type != frame_type::hello) return fail(ec::extractor_missing, "does not greet");
      const auto version = decode_hello((*taken)->payload);
      if (!version) return tl::unexpected{version.error()};
      if (*version == protocol_version) return {};
      return fail(ec::extractor_missing, "speaks version " + std::to_string(*version) +
                                             " of the protocol and this node version " +
                                             std::to_string(protocol_version));
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - channel::clock::now());
    if (left.count() <= 0) return fail(ec::extractor_missing, "did not greet in time");
    std::array<pollfd, 2> events{pollfd{channel_.socket(), POLLIN, 0}, pollfd{cancel, POLLIN, 0}};
    ::poll(events.data(), events.size(), static_cast<int>(left.count()));
    if (events[1].revents != 0) return fail(ec::draining, "is not needed any more");
    if (channel_.read(channel::wait::none) == channel::read_status::closed)
      return fail(ec::extractor_missing, "ended at once: it " + end(1s).to_string());
  }
}

void extractor_process::limit_address_space(std::uint64_t bytes) {
  if constexpr (limits_address_space) limit(pid_, RLIMIT_AS, bytes);
}

void extractor_process::allow_cpu_time(std::chrono::seconds more) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return;
  limit(pid_, RLIMIT_CPU, static_cast<rlim_t>(used.tv_sec + 1 + more.count()));
}

std::uint64_t extractor_process::statm(int field) const {
  std::ifstream file{"/proc/" + std::to_string(pid_) + "/statm"};
  std::uint64_t pages = 0;
  for (int i = 0; i <= field; ++i)
    if (!(file >> pages)) return 0;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

process_end extractor_process::end(std::chrono::milliseconds grace) {
  if (reaped_) return end_;
  if (grace > 0ms && reap(grace)) return end_;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);    // should it have left its group
  if (!reap(kill_timeout))  // stuck in the kernel; it ends when its disk answers
    reaped_ = true;
  end_.killed_here = true;
  return end_;
}

bool extractor_process::reap(std::chrono::milliseconds patience) {
  pollfd ended{handle_.get(), POLLIN, 0};
  int ready = 0;
  const auto deadline = channel::clock::now() + patience;
  do {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - channel::clock::now());
    ready = ::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  } while (ready < 0 && errno == EINTR && channel::clock::now() < deadline);
  if (ready <= 0) return false;
  ::kill(-pid_, SIGKILL);  // children that outlived it; its number is its own until it is reaped
  int status = 0;
  if (::waitpid(pid_, &status, 0) == pid_)
    end_ = {WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
            false};
  reaped_ = true;
  return true;
}

}  // namespace millrace::extraction
