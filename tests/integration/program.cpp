#include "tests/integration/program.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

namespace millrace {

namespace {

constexpr std::chrono::milliseconds look_interval{20};

/// posix_spawn's settings: the three standard streams are files, no signal is blocked or ignored.
class spawn_settings {
 public:
  explicit spawn_settings(const std::filesystem::path& files) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&actions_, 0, (files / "in").c_str(), O_RDONLY, 0);
    const int create = O_WRONLY | O_CREAT | O_APPEND;
    posix_spawn_file_actions_addopen(&actions_, 1, (files / "out").c_str(), create, 0600);
    posix_spawn_file_actions_addopen(&actions_, 2, (files / "err").c_str(), create, 0600);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~spawn_settings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  spawn_settings(const spawn_settings&) = delete;
  spawn_settings& operator=(const spawn_settings&) = delete;

  pid_t spawn(std::vector<std::string> words, std::vector<std::string> environment) {
    const auto pointers = [](std::vector<std::string>& from) {
      std::vector<char*> to;
      for (auto& text : from) to.push_back(text.data());
      to.push_back(nullptr);
      return to;
    };
    pid_t pid = -1;
    const int problem = posix_spawn(&pid, words.front().c_str(), &actions_, &attributes_,
                                    pointers(words).data(), pointers(environment).data());
    if (problem != 0)
      throw std::system_error{problem, std::generic_category(), "starting " + words.front()};
    return pid;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

bool eventually(const std::function<bool()>& is_so, std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(look_interval);
  }
  return true;
}

bool has_socket(pid_t pid) {
  std::error_code gone;
  for (const auto& fd :
       std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/fd", gone}) {
    std::error_code closed;
    if (std::filesystem::read_symlink(fd, closed).native().starts_with("socket:")) return true;
  }
  return false;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out{path, std::ios::binary};
  out << text;
  if (!out.flush()) throw std::runtime_error{"cannot write " + path.string()};
}

program::program(const std::vector<std::string>& argv,
                 std::map<std::string, std::string> environment, const std::string& input) {
  write_text(files_.path() / "in", input);
  for (const char* name : {"PATH", "HOME", "TMPDIR"})
    if (const char* value = std::getenv(name)) environment.try_emplace(name, value);
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(name + "=" + value);
  pid_ = spawn_settings{files_.path()}.spawn(argv, std::move(variables));
}

program::~program() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void program::signal(int number) const {
  if (pid_ <= 0) return;
  ::kill(pid_, number);
  // Its threads stop one by one, and on a busy machine late: until then they work on.
  siginfo_t how{};
  if (number == SIGSTOP)
    ::waitid(P_PID, static_cast<id_t>(pid_), &how, WSTOPPED | WEXITED | WNOWAIT);
}

bool program::running() {
  if (pid_ <= 0) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == 0) return true;
  pid_ = -1;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

std::string program::out() const {
  return read_text(files_.path() / "out");
}
std::string program::err() const {
  return read_text(files_.path() / "err");
}

bool program::says(const std::string& words) {
  const auto said = [&] { return err().find(words) != std::string::npos; };
  return eventually([&] { return said() || !running(); }) && said();
}

outcome program::wait(std::chrono::seconds limit) {
  if (!eventually([this] { return !running(); }, limit)) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  return {exit_code_, out(), err()};
}

}  // namespace millrace
