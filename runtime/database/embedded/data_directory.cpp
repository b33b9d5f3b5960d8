#include "runtime/database/embedded/data_directory.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>

#include "runtime/core/system_error.hpp"
#include "runtime/database/disk_lookup.hpp"
#include "runtime/database/embedded/embedded_server.hpp"

namespace millrace::postgres {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t max_log_bytes = 16 << 20;
constexpr std::size_t max_passwd_bytes = 16 << 10;

/// The account with this name, or, if `name` is null, with this id. resource_exhausted if this
/// process cannot look now.
result<std::optional<user_account>> find_account(const char* name, uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(max_passwd_bytes);
  const int problem = name != nullptr
                          ? ::getpwnam_r(name, &entry, buffer.data(), buffer.size(), &found)
                          : ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  if (is_exhaustion(problem))
    return tl::unexpected(system_error(problem, "no user can be looked up"));
  if (found == nullptr) return std::nullopt;
  return user_account{found->pw_uid, found->pw_gid, found->pw_name, found->pw_dir};
}

user_account account_of(uid_t uid, gid_t gid) {
  const auto found = find_account(nullptr, uid).value_or(std::nullopt);
  return found.value_or(user_account{uid, gid, std::to_string(uid), {}});
}

tl::unexpected<error> unusable(const fs::path& path, const std::string& reason) {
  return fail(ec::data_directory,
              "the data directory " + path.string() + " cannot be used: " + reason);
}

result<user_account> find_owner(const data_directory& directory) {
  const auto us = account_of(::geteuid(), ::getegid());
  struct stat cluster {};
  if (::lstat(directory.cluster().c_str(), &cluster) == 0) {
    if (!S_ISDIR(cluster.st_mode))
      return unusable(directory.root, directory.cluster().string() + " is not a folder");
    if (us.uid != 0 && cluster.st_uid != us.uid)
      return unusable(directory.root, "it belongs to the user " +
                                          account_of(cluster.st_uid, cluster.st_gid).name +
                                          "; run as that user, or give another --data");
    if (cluster.st_uid != 0) return account_of(cluster.st_uid, cluster.st_gid);
  }
  if (us.uid != 0) return us;
  for (const auto* name : {"postgres", "nobody"})
    if (auto account = find_account(name, 0); !account)
      return tl::unexpected(account.error());
    else if (*account)
      return **account;
  return unusable(directory.root,
                  "PostgreSQL does not run as root and there is no user `postgres` or `nobody`");
}

/// PostgreSQL runs as `owner`, who must be able to reach the folder through all its parents.
result<void> check_reachable(const data_directory& directory) {
  std::vector<std::string> folders;
  auto path = fs::path{};
  for (const auto& part : directory.root) folders.push_back((path /= part).string());
  auto closed = first_closed_folder(folders, directory.owner);
  if (!closed) return tl::unexpected(closed.error());
  if (!*closed) return {};
  return unusable(directory.root, "PostgreSQL runs as the user " + directory.owner.name +
                                      ", who may not enter " + folders[**closed] +
                                      "; give --data a folder that others may enter, such as one "
                                      "under /var/lib/millrace");
}

}  // namespace

result<std::optional<int>> data_directory::cluster_version() const {
  auto text = read_if_there(cluster() / "PG_VERSION");
  if (!text) return tl::unexpected(text.error());
  int version = 0;
  const auto* end = *text ? (*text)->data() + (*text)->size() : nullptr;
  if (!*text || std::from_chars((*text)->data(), end, version).ec != std::errc{})
    return std::nullopt;
  return version;
}

std::uint64_t data_directory::free_bytes() const {
  std::error_code ignored;
  return fs::space(root, ignored).available;
}

result<data_directory> prepare_data_directory(const fs::path& path, bool create) {
  if (path.empty()) return fail(ec::data_directory, "the data directory's path is empty");
  std::error_code problem;
  const auto wanted = fs::absolute(path, problem);
  const auto nothing_there = [&] {
    return fail(ec::data_directory, "no Millrace data in " + wanted.string() +
                                        "; run `millrace run` first or give --data");
  };
  const auto status = fs::status(wanted, problem);
  if (fs::exists(status) && !fs::is_directory(status))
    return unusable(wanted, "it is not a folder");
  if (!fs::exists(status) && !create) return nothing_there();
  fs::create_directories(wanted, problem);
  if (problem)
    return problem == std::errc::no_space_on_device
               ? fail(ec::disk_full, "no space left to make the data directory " + wanted.string())
               : unusable(wanted, "it could not be made: " + problem.message());
  data_directory directory;
  directory.root = fs::canonical(wanted, problem);
  if (problem) return unusable(wanted, problem.message());
  auto owner = find_owner(directory);
  if (!owner) return tl::unexpected(owner.error());
  directory.owner = *owner;
  if (!create) {
    const auto version = directory.cluster_version();
    if (!version) return tl::unexpected(version.error());
    if (!*version) return nothing_there();
  }
  if (owner->uid != ::geteuid())
    if (auto reachable = check_reachable(directory); !reachable)
      return tl::unexpected(reachable.error());
  return directory;
}

result<unique_fd> open_log(const data_directory& directory) {
  std::error_code ignored;
  const auto path = directory.log();
  if (const auto size = fs::file_size(path, ignored); !ignored && size > max_log_bytes)
    fs::rename(path, path.string() + ".1", ignored);
  auto log =
      unique_fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!log && is_exhaustion(errno))
    return tl::unexpected(system_error(errno, path.string() + " cannot be opened"));
  if (!log) return unusable(directory.root, path.string() + ": " + std::strerror(errno));
  return log;
}

}  // namespace millrace::postgres

namespace millrace {

std::filesystem::path default_data_directory() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const auto* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const auto given = variable("MILLRACE_DATA"); !given.empty()) return given;
  if (::geteuid() == 0) return "/var/lib/millrace";
  // The XDG base directory specification: relative values are to be ignored.
  if (const auto data = variable("XDG_DATA_HOME"); data.is_absolute()) return data / "millrace";
  auto home = variable("HOME");
  if (home.empty()) home = postgres::account_of(::geteuid(), ::getegid()).home;
  return home / ".local/share/millrace";
}

}  // namespace millrace
