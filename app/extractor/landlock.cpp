#include "app/extractor/landlock.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace millrace::extraction {

namespace {

// Names and numbers of linux/landlock.h as of Linux 6.15 (version 7).
constexpr std::uint64_t fs_execute = 1 << 0;
constexpr std::uint64_t fs_write_file = 1 << 1;
constexpr std::uint64_t fs_read_file = 1 << 2;
constexpr std::uint64_t fs_read_dir = 1 << 3;
constexpr std::uint64_t fs_version_1 = (1 << 13) - 1;
constexpr std::uint64_t fs_refer = 1 << 13;      // version 2
constexpr std::uint64_t fs_truncate = 1 << 14;   // version 3
constexpr std::uint64_t fs_ioctl_dev = 1 << 15;  // version 5
constexpr std::uint64_t net_all = 3;             // version 4: bind and connect TCP
constexpr std::uint64_t scope_all = 3;           // version 6: abstract UNIX sockets, signals
constexpr std::uint64_t for_files = fs_execute | fs_write_file | fs_read_file;

constexpr std::uint32_t ask_version = 1;
constexpr int path_beneath = 1;

struct ruleset_attributes {
  std::uint64_t handled_fs = 0;
  std::uint64_t handled_net = 0;
  std::uint64_t scoped = 0;
};

struct [[gnu::packed]] path_beneath_attributes {
  std::uint64_t allowed = 0;
  std::int32_t parent = -1;
};

ruleset_attributes everything(int version) {
  ruleset_attributes a{fs_version_1, 0, 0};
  if (version >= 2) a.handled_fs |= fs_refer;
  if (version >= 3) a.handled_fs |= fs_truncate;
  if (version >= 4) a.handled_net = net_all;
  if (version >= 5) a.handled_fs |= fs_ioctl_dev;
  if (version >= landlock_with_signals) a.scoped = scope_all;
  return a;
}

std::uint64_t rights(landlock_rules::access what) {
  switch (what) {
    case landlock_rules::access::read:
      return fs_read_file | fs_read_dir;
    case landlock_rules::access::read_and_execute:
      return fs_read_file | fs_read_dir | fs_execute;
    case landlock_rules::access::read_and_write:
      return fs_read_file | fs_read_dir | fs_write_file;
  }
  return 0;
}

tl::unexpected<error> failed(const std::string& what) {
  return fail(ec::internal, what + ": " + std::generic_category().message(errno));
}

}  // namespace

int landlock_version() {
  const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, ask_version);
  return static_cast<int>(std::max<long>(version, 0));
}

result<landlock_rules> landlock_rules::create() {
  const auto attributes = everything(landlock_version());
  // An older kernel takes the larger structure as long as what it does not know is zero.
  unique_fd rules{
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0))};
  if (!rules) return failed("Landlock refuses a set of rules");
  return landlock_rules{std::move(rules)};
}

result<void> landlock_rules::allow(const std::string& path, access what) {
  const unique_fd parent{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!parent) return {};
  struct stat status {};
  if (::fstat(parent.get(), &status) != 0) return failed(path);
  path_beneath_attributes rule{rights(what), parent.get()};
  if (!S_ISDIR(status.st_mode)) rule.allowed &= for_files;
  if (::syscall(SYS_landlock_add_rule, rules_.get(), path_beneath, &rule, 0) != 0)
    return failed("Landlock refuses a rule for " + path);
  return {};
}

result<void> landlock_rules::restrict_this_thread() const {
  if (::syscall(SYS_landlock_restrict_self, rules_.get(), 0) != 0)
    return failed("Landlock cannot be entered");
  return {};
}

}  // namespace millrace::extraction
