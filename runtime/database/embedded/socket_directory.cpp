#include "runtime/database/embedded/socket_directory.hpp"

#include <cerrno>
#include <cstring>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>

#include "runtime/core/sha256.hpp"
#include "runtime/core/system_error.hpp"
#include "runtime/core/unique_fd.hpp"
#include "runtime/database/disk_lookup.hpp"

namespace millrace::postgres {

namespace {

namespace fs = std::filesystem;

/// The line of postmaster.pid (miscadmin.h, LOCK_FILE_LINE_SOCKET_DIR) that names the folder.
constexpr int socket_line = 5;
constexpr std::size_t digest_digits = 12;

std::string name_prefix(const user_account& owner) {
  return "/tmp/millrace-" + std::to_string(owner.uid) + "-";
}

}  // namespace

result<fs::path> socket_directory_for(const data_directory& directory) {
  struct stat cluster {};
  if (::stat(directory.cluster().c_str(), &cluster) != 0)
    return fail(ec::data_directory,
                "there is no database in " + directory.root.string() + ": " + std::strerror(errno));
  const auto identity = std::to_string(cluster.st_dev) + ":" + std::to_string(cluster.st_ino);
  return name_prefix(directory.owner) + sha256_hex(identity).substr(0, digest_digits);
}

result<std::optional<fs::path>> socket_directory_in_use(const data_directory& directory) {
  const auto file = read_if_there(directory.cluster() / "postmaster.pid");
  if (!file) return tl::unexpected(file.error());
  std::istringstream lines{file->value_or("")};
  std::string line;
  for (int i = 0; i < socket_line; ++i)
    if (!std::getline(lines, line)) return std::nullopt;
  if (line.empty()) return std::nullopt;
  return line;
}

result<void> prepare_socket_directory(const fs::path& sockets, const user_account& owner) {
  const auto refuse = [&](const std::string& reason) {
    return fail(ec::data_directory,
                "the socket folder " + sockets.string() + " cannot be used: " + reason);
  };
  if (::mkdir(sockets.c_str(), 0700) != 0 && errno != EEXIST) return refuse(std::strerror(errno));
  const auto folder = unique_fd{::open(sockets.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!folder && is_exhaustion(errno))
    return tl::unexpected(system_error(errno, sockets.string() + " cannot be opened"));
  struct stat status {};
  if (!folder || ::fstat(folder.get(), &status) != 0) return refuse(std::strerror(errno));
  // Made by us a moment ago, or by a root process that died before it gave the folder away.
  const auto may_give_away = status.st_uid == ::geteuid() && status.st_uid != owner.uid;
  if (status.st_uid != owner.uid && !may_give_away)
    return refuse("it belongs to another user; remove it");
  if (may_give_away && ::fchown(folder.get(), owner.uid, owner.gid) != 0)
    return refuse(std::strerror(errno));
  if ((status.st_mode & 0777) != 0700 && ::fchmod(folder.get(), 0700) != 0)
    return refuse(std::strerror(errno));
  for (const auto* name : {".s.PGSQL.5432", ".s.PGSQL.5432.lock"})
    ::unlinkat(folder.get(), name, 0);
  return {};
}

void remove_socket_directory(const fs::path& sockets, const user_account& owner) {
  const auto& name = sockets.native();
  const auto prefix = name_prefix(owner);
  if (!name.starts_with(prefix) || name.find('/', prefix.size()) != std::string::npos) return;
  std::error_code ignored;
  fs::remove_all(sockets, ignored);
}

}  // namespace millrace::postgres
