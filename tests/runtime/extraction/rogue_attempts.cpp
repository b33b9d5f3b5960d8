#include "tests/runtime/extraction/rogue_attempts.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/core/unique_fd.hpp"
#include "runtime/extraction/protocol.hpp"

namespace millrace::extraction {

namespace {

/// 0 or more is success, -1 leaves errno.
using action = std::function<long(const std::string& path)>;

constexpr int child_ran = 7;

long read_file(const std::string& path) {
  const unique_fd file{::open(path.c_str(), O_RDONLY)};
  char byte = 0;
  return file ? ::read(file.get(), &byte, 1) : -1;
}

long write_file(const std::string& path) {
  const unique_fd file{::open(path.c_str(), O_WRONLY | O_CREAT, 0600)};
  return file ? ::write(file.get(), "x", 1) : -1;
}

long list_folder(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return -1;
  return ::closedir(folder);
}

long in_a_child(const std::function<void()>& work, long child) {
  if (child < 0) return -1;
  if (child == 0) {
    work();
    ::_exit(child_ran);
  }
  int status = 0;
  ::waitpid(static_cast<pid_t>(child), &status, 0);
  return WIFEXITED(status) ? 0 : -1;
}

long start_thread(const std::string&) {
  pthread_t thread{};
  const int failed = ::pthread_create(
      &thread, nullptr, [](void* nothing) { return nothing; }, nullptr);
  if (failed == 0) return ::pthread_join(thread, nullptr);
  errno = failed;
  return -1;
}

/// Succeeds by ending this process, which its test does not take for an answer.
long execute(const std::string&) {
  std::array<char*, 1> nothing{nullptr};
  return ::execve("/bin/true", nothing.data(), nothing.data());
}

long connect_to_unix(const std::string& path) {
  const unique_fd s{::socket(AF_UNIX, SOCK_STREAM, 0)};
  if (!s) return -1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return ::connect(s.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
                 errno == ECONNREFUSED || errno == ENOENT
             ? 0
             : -1;
}

/// The stack's own page, which the parent has too unless its layout differs: EFAULT is permission.
long read_memory_of_parent(const std::string&) {
  char byte = 0;
  iovec here{&byte, 1};
  iovec there{&byte, 1};
  const auto got = ::process_vm_readv(::getppid(), &here, 1, &there, 1, 0);
  return got >= 0 || errno == EFAULT ? 0 : -1;
}

long raise_memory_limit(const std::string&) {
  rlimit now{};
  if (::getrlimit(RLIMIT_AS, &now) != 0) return -1;
  now.rlim_cur = now.rlim_max;
  return ::setrlimit(RLIMIT_AS, &now);
}

/// In messages of 250 copies of the socket.
long send_ten_thousand_descriptors(const std::string&) {
  std::array<int, 250> files{};
  files.fill(extractor_socket);
  std::vector<char> control(CMSG_SPACE(sizeof files));
  char byte = '\xFF';
  iovec part{&byte, 1};
  for (int i = 0; i < 40; ++i) {
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof files);
    std::memcpy(CMSG_DATA(header), files.data(), sizeof files);
    if (::sendmsg(extractor_socket, &message, MSG_NOSIGNAL) < 0) return -1;
  }
  return 0;
}

/// With more room than any version needs.
long call_with_zeros(long number, long first = 0) {
  alignas(8) std::array<char, 512> zeros{};
  return ::syscall(number, first, zeros.data(), 0, 0, 0, 0);
}

long map_executable_memory(const std::string&) {
  void* at =
      ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? -1 : 0;
}

const std::map<std::string, action>& actions() {
  static const std::map<std::string, action> all{
      {"socket", [](const auto&) { return ::socket(AF_INET, SOCK_STREAM, 0); }},
      {"netlink", [](const auto&) { return ::socket(AF_NETLINK, SOCK_RAW, 0); }},
      {"socketpair",
       [](const auto&) {
         std::array<int, 2> pair{};
         return ::socketpair(AF_UNIX, SOCK_DGRAM, 0, pair.data());
       }},
      {"connect", connect_to_unix},
      {"read", read_file},
      {"list", list_folder},
      {"write", write_file},
      {"remove", [](const auto& path) { return ::unlink(path.c_str()); }},
      {"rename", [](const auto& path) { return ::rename(path.c_str(), (path + "2").c_str()); }},
      {"link", [](const auto& path) { return ::symlink("/", (path + ".link").c_str()); }},
      {"folder", [](const auto& path) { return ::mkdir((path + ".folder").c_str(), 0700); }},
      {"truncate", [](const auto& path) { return ::truncate(path.c_str(), 0); }},
      {"chmod", [](const auto& path) { return ::chmod(path.c_str(), 0777); }},
      {"touch", [](const auto& path) { return ::utimensat(0, path.c_str(), nullptr, 0); }},
      {"fork", [](const auto&) { return in_a_child([] {}, ::fork()); }},
      {"clone",
       [](const auto&) {
         return in_a_child([] {}, ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0));
       }},
      {"thread", start_thread},
      {"exec", execute},
      {"signal", [](const auto&) { return ::kill(::getppid(), SIGURG); }},
      {"signal_all", [](const auto&) { return ::kill(-1, 0); }},
      {"trace", [](const auto&) { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
      {"environment",
       [](const auto&) { return read_file("/proc/" + std::to_string(::getppid()) + "/environ"); }},
      {"memory", read_memory_of_parent},
      {"raise", raise_memory_limit},
      {"dumpable", [](const auto&) { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }},
      {"executable", map_executable_memory},
      {"memfd", [](const auto&) { return ::memfd_create("x", 0); }},
      {"group",
       [](const auto&) { return ::getpgrp() == ::getpid() ? ::setpgid(0, ::getppid()) : 0; }},
      {"session", [](const auto&) { return ::setsid(); }},
      {"mount", [](const auto&) { return ::mount("none", "/proc", "tmpfs", 0, nullptr); }},
      {"namespace", [](const auto&) { return ::syscall(SYS_unshare, 0x10000000); }},
      {"bpf", [](const auto&) { return call_with_zeros(SYS_bpf, 0); }},
      {"io_uring", [](const auto&) { return call_with_zeros(SYS_io_uring_setup, 1); }},
      {"userfaultfd", [](const auto&) { return call_with_zeros(SYS_userfaultfd, 1); }},
      {"keyring", [](const auto&) { return ::syscall(SYS_keyctl, 0, -3, 1); }},
      {"pidfd", [](const auto&) { return ::syscall(SYS_pidfd_open, ::getppid(), 0); }},
      {"descriptors", send_ten_thousand_descriptors},
  };
  return all;
}

}  // namespace

std::string attempt(const std::string& what, const std::string& path) {
  const auto found = actions().find(what);
  if (found == actions().end()) return "there is no attempt " + what;
  if (found->second(path) >= 0) return "done";
  const char* name = ::strerrorname_np(errno);
  return name != nullptr ? name : std::to_string(errno);
}

}  // namespace millrace::extraction
