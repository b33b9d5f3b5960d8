#include "app/cli/node_processes.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cli/options.hpp"
#include "runtime/core/system_error.hpp"

namespace millrace::cli {

namespace {

/// A line without an end is passed on at this many bytes.
constexpr std::size_t max_line = 16U << 10;
/// As shells say it.
constexpr int cannot_execute = 127;

/// In the child of a process with threads: nothing but system calls.
[[noreturn]] void become_node(const char* program, const std::vector<char*>& argv, int output,
                              pid_t parent) {
  ::setpgid(0, 0);  // Ctrl-C in our terminal is ours, and we pass it on once
  // Whoever is killed cannot stop its nodes; they drain then. It counts from the thread that
  // forked, which is main(); one that ended before this call is seen by its child's new parent.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(cannot_execute);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execv(program, argv.data());
  constexpr char problem[] = "this node cannot be executed\n";
  [[maybe_unused]] const auto told = ::write(STDERR_FILENO, problem, sizeof problem - 1);
  ::_exit(cannot_execute);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

node_processes::node_processes(std::string program, std::vector<std::string> command,
                               restart_settings restart)
    : program_{std::move(program)}, command_{std::move(command)}, restart_{restart} {}

node_processes::~node_processes() {
  kill();
  for (auto& p : processes_)
    if (p.pid != 0) waitpid(p.pid, nullptr, 0);
}

result<void> node_processes::start(const std::string& name) {
  processes_.push_back({name, restart_policy{restart_}, 0, {}, {}, {}, std::nullopt});
  return spawn(processes_.back());
}

result<void> node_processes::spawn(process& p) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return tl::unexpected<error>(system_error(errno, "a pipe to a node"));
  unique_fd read_end{ends[0]};
  const unique_fd write_end{ends[1]};
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  auto words = command_;
  words.insert(words.end(), {"--name", p.name});
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid < 0) return tl::unexpected<error>(system_error(errno, program_ + " cannot be started"));
  if (pid == 0) become_node(program_.c_str(), argv, write_end.get(), parent);
  p.pid = pid;
  p.handle = unique_fd{static_cast<int>(syscall(SYS_pidfd_open, p.pid, 0))};
  p.output = std::move(read_end);
  p.line.clear();
  p.due.reset();
  return {};
}

std::optional<std::string> node_processes::step(std::chrono::milliseconds patience) {
  std::vector<pollfd> watched;
  for (const auto& p : processes_) {
    if (p.output) watched.push_back({p.output.get(), POLLIN, 0});
    if (p.pid != 0) watched.push_back({p.handle.get(), POLLIN, 0});
  }
  ::poll(watched.data(), watched.size(), static_cast<int>(patience.count()));
  for (auto& p : processes_) {
    pass_on(p);
    int status = 0;
    if (p.pid != 0 && waitpid(p.pid, &status, WNOHANG) == p.pid) {
      pass_on(p);
      end_line(p);
      p.pid = 0;
      const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      if (stopping_) {
        if (!well) all_well_ = false;
        continue;
      }
      const bool refused = WIFEXITED(status) && !well;
      if (refused && (!p.was_ready || WEXITSTATUS(status) == static_cast<int>(exit::usage)))
        return "node " + p.name + " cannot start as it is; see what it said";
      if (auto problem = ended(p)) return problem;
      std::fprintf(stderr, "millrace: node %s %s; it is started again\n", p.name.c_str(),
                   how_it_ended(status).c_str());
    }
    if (!stopping_ && p.pid == 0 && p.due && *p.due <= clock::now())
      if (auto spawned = spawn(p); !spawned) return spawned.error().message;
  }
  return std::nullopt;
}

std::optional<std::string> node_processes::ended(process& p) {
  const auto delay = p.policy.died(clock::now());
  if (!delay)
    return "node " + p.name +
           " ends too often (restart.intensity = " + std::to_string(restart_.intensity) +
           "); see what it said";
  p.due = clock::now() + *delay;
  return std::nullopt;
}

void node_processes::pass_on(process& p) {
  if (!p.output) return;
  char buffer[4096];
  for (;;) {
    const auto n = ::read(p.output.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) p.output.reset();
    if (n <= 0) break;
    p.line.append(buffer, static_cast<std::size_t>(n));
    for (auto end = p.line.find('\n'); end != std::string::npos || p.line.size() > max_line;
         end = p.line.find('\n')) {
      const auto length = std::min(end, max_line);
      std::fprintf(stderr, "%s | %.*s\n", p.name.c_str(), static_cast<int>(length), p.line.data());
      p.was_ready |= p.line.find(" is ready; API at ") < length;
      p.line.erase(0, end == std::string::npos ? length : length + (length == end ? 1 : 0));
    }
  }
}

/// Last words may have no end.
void node_processes::end_line(process& p) {
  if (p.line.empty()) return;
  std::fprintf(stderr, "%s | %s\n", p.name.c_str(), p.line.c_str());
  p.line.clear();
}

void node_processes::stop() {
  stopping_ = true;
  for (const auto& p : processes_)
    if (p.pid != 0) ::kill(p.pid, SIGTERM);
}

void node_processes::kill() {
  stopping_ = true;
  for (const auto& p : processes_)
    if (p.pid != 0) ::kill(p.pid, SIGKILL);
}

bool node_processes::any_alive() const {
  return std::any_of(processes_.begin(), processes_.end(),
                     [](const auto& p) { return p.pid != 0; });
}

}  // namespace millrace::cli
