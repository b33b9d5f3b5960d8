#include "app/extractor/privileges.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>
#include <system_error>

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace::extraction {

namespace {

constexpr uid_t nobody = 65534;  // in every distribution; also what the kernel calls unknown users
constexpr int highest_capability = 63;
constexpr rlim_t max_open_files = 256;  // two requests' documents and what libraries keep open

tl::unexpected<error> failed(const std::string& what) {
  return fail(ec::internal, what + ": " + std::generic_category().message(errno));
}

using capability_sets = std::array<__user_cap_data_struct, 2>;

bool has_capabilities(std::initializer_list<int> wanted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  capability_sets sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  for (const int c : wanted) {
    const auto& half = sets[static_cast<std::size_t>(CAP_TO_INDEX(c))];
    if ((half.effective & CAP_TO_MASK(c)) == 0) return false;
  }
  return true;
}

struct process_status {
  uid_t user = static_cast<uid_t>(-1);
  unsigned long threads = 0;
};

process_status read_status(const std::filesystem::path& file) {
  process_status out;
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    std::istringstream words{line};
    std::string key;
    words >> key;
    if (key == "Uid:") words >> out.user;
    if (key == "Threads:") words >> out.threads;
  }
  return out;
}

result<void> become_nobody() {
  if (::setgroups(0, nullptr) != 0) return failed("groups cannot be left");
  if (::setresgid(nobody, nobody, nobody) != 0) return failed("the group cannot be changed");
  if (::setresuid(nobody, nobody, nobody) != 0) return failed("the user cannot be changed");
  return {};
}

/// From root to a user who owns root's files and can do nothing else.
result<void> drop_capabilities() {
  // Both need CAP_SETPCAP. Where it is missing the empty sets below have to do, with
  // PR_SET_NO_NEW_PRIVS, under which exec adds none.
  for (int c = 0; c <= highest_capability; ++c) ::prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
  ::prctl(
      PR_SET_SECUREBITS,
      SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED,
      0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const capability_sets none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0)
    return failed("capabilities cannot be given up");
  return {};
}

}  // namespace

result<void> give_up_root() {
  if (::geteuid() != 0) return {};
  if (has_capabilities({CAP_SETUID, CAP_SETGID, CAP_KILL, CAP_SYS_RESOURCE}) && become_nobody())
    return {};
  return drop_capabilities();
}

result<void> lower_limits(unsigned long processes) {
  struct {
    __rlimit_resource what;
    rlim_t most;
  } const limits[] = {{RLIMIT_CORE, 0},
                      {RLIMIT_FSIZE, 0},
                      {RLIMIT_MEMLOCK, 0},
                      {RLIMIT_MSGQUEUE, 0},
                      {RLIMIT_NOFILE, max_open_files},
                      {RLIMIT_NPROC, processes}};
  for (const auto& l : limits) {
    rlimit now{};
    if (::getrlimit(l.what, &now) != 0) return failed("a limit cannot be read");
    const auto most = std::min(l.most, now.rlim_max);
    const rlimit lower{most, most};
    if (::setrlimit(l.what, &lower) != 0) return failed("a limit cannot be lowered");
  }
  return {};
}

unsigned long count_processes_of_user() {
  namespace fs = std::filesystem;
  unsigned long count = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{"/proc", ignored}) {
    if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos)
      continue;
    const auto p = read_status(entry.path() / "status");
    if (p.user == ::getuid()) count += p.threads;
  }
  return count;
}

result<void> hide_from_others() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("the process stays dumpable");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("exec may add privileges");
  return {};
}

}  // namespace millrace::extraction
