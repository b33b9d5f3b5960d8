#include "runtime/database/embedded/postmaster.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <libpq-fe.h>
#include <sys/stat.h>

#include "runtime/core/system_error.hpp"
#include "runtime/database/disk_lookup.hpp"
#include "runtime/database/embedded/cluster.hpp"
#include "runtime/database/embedded/server_settings.hpp"
#include "runtime/database/embedded/shared_memory.hpp"

namespace millrace::postgres {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds ready_poll_interval{10};
/// How long a live server may be without its socket: it makes it early in its start.
constexpr std::chrono::seconds socket_limit{10};
constexpr std::chrono::seconds leftover_quit_limit{5};
constexpr std::chrono::seconds leftover_kill_limit{5};
constexpr std::uintmax_t max_complaint_bytes = 64 << 10;

/// Whether `pid` is a process of this cluster. PostgreSQL's processes all work in their data
/// directory.
bool belongs_to(pid_t pid, const struct stat& cluster, uid_t owner) {
  const auto proc = "/proc/" + std::to_string(pid);
  struct stat process {};
  struct stat working {};
  return ::stat(proc.c_str(), &process) == 0 && process.st_uid == owner &&
         ::stat((proc + "/cwd").c_str(), &working) == 0 && working.st_dev == cluster.st_dev &&
         working.st_ino == cluster.st_ino;
}

/// All processes of the cluster. A zombie has no working directory any more, so it is none.
result<std::vector<pid_t>> processes_of(const data_directory& directory) {
  std::vector<pid_t> found;
  struct stat cluster {};
  if (::stat(directory.cluster().c_str(), &cluster) != 0) return found;
  const auto names = names_in("/proc");
  if (!names) return tl::unexpected(names.error());
  std::error_code ignored;
  for (const auto& name : *names) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    if (!belongs_to(pid, cluster, directory.owner.uid)) continue;
    const auto executable =
        fs::read_symlink(fs::path{"/proc"} / name / "exe", ignored).filename().string();
    if (executable.starts_with("postgres")) found.push_back(pid);  // "postgres (deleted)" too
  }
  return found;
}

/// Signals all and waits for all; those that are left.
result<std::vector<pid_t>> end_processes(const data_directory& directory, int signal,
                                         std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::vector<process_handle> handles;
  const auto pids = processes_of(directory);
  if (!pids) return pids;
  for (const auto pid : *pids) {
    auto handle = process_handle::of(pid);
    if (!handle) return tl::unexpected(handle.error());
    if (*handle) handles.push_back(std::move(**handle));
  }
  for (const auto& handle : handles) {
    handle.signal(signal);
    handle.signal(SIGCONT);  // a stopped process gets no other signal
  }
  for (const auto& handle : handles)
    handle.ended_within(
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()));
  return processes_of(directory);
}

/// A file that names a dead process would make PostgreSQL refuse when that number lives again as
/// something else.
void remove_stale_file(const data_directory& directory) {
  std::error_code ignored;
  fs::remove(directory.cluster() / "postmaster.pid", ignored);
}

/// A server that does not answer may be well, and this process out of descriptors.
result<void> can_open() {
  if (unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}) return {};
  return tl::unexpected(system_error(errno, "PostgreSQL cannot be asked whether it is ready"));
}

}  // namespace

result<std::optional<pid_t>> find_postmaster(const data_directory& directory) {
  const auto file = read_if_there(directory.cluster() / "postmaster.pid");
  if (!file) return tl::unexpected(file.error());
  pid_t pid = 0;
  if (*file) std::from_chars((*file)->data(), (*file)->data() + (*file)->size(), pid);
  struct stat cluster {};
  if (pid <= 1 || ::stat(directory.cluster().c_str(), &cluster) != 0 ||
      !belongs_to(pid, cluster, directory.owner.uid))
    return std::nullopt;
  return pid;
}

result<void> clear_leftovers(const data_directory& directory) {
  auto left = processes_of(directory);
  if (left && !left->empty()) left = end_processes(directory, SIGQUIT, leftover_quit_limit);
  if (left && !left->empty()) left = end_processes(directory, SIGKILL, leftover_kill_limit);
  if (!left) return tl::unexpected(left.error());
  if (!left->empty())
    return fail(ec::data_directory, "processes of a killed PostgreSQL server still use " +
                                        directory.root.string() +
                                        " and do not end: " + std::to_string(left->front()) +
                                        "; end them by hand, or give another --data");
  remove_shared_memory(directory.cluster(), directory.owner.uid);  // it may have no next server
  remove_stale_file(directory);
  return {};
}

result<pid_t> start_postmaster(const installation& programs, const data_directory& directory,
                               const start_options& options) {
  auto log = open_log(directory);
  if (!log) return tl::unexpected(log.error());
  program server{.arguments = {programs.programs / "postgres", "-D", directory.cluster()},
                 .environment = server_environment(),
                 .user = directory.owner};
  for (auto& setting : server_settings(directory, options)) {
    server.arguments.emplace_back("-c");
    server.arguments.push_back(std::move(setting));
  }
  return start_daemon(server, -1, log->get());
}

result<readiness> await_ready(const fs::path& sockets, pid_t postmaster) {
  const auto found = process_handle::of(postmaster);
  if (!found) return tl::unexpected(found.error());
  const auto& process = *found;
  if (!process) return readiness::ended;
  const auto started = std::chrono::steady_clock::now();
  const auto target = connection_string(sockets, "postgres") + " connect_timeout=5";
  const auto socket = sockets / ".s.PGSQL.5432";
  std::error_code ignored;
  do {
    if (::PQping(target.c_str()) == PQPING_OK) return readiness::ready;
    if (process->ended_within(ready_poll_interval)) return readiness::ended;
    if (auto able = can_open(); !able) return tl::unexpected(able.error());
    const auto waited = std::chrono::steady_clock::now() - started;
    if (waited > socket_limit && !fs::exists(socket, ignored)) return readiness::unreachable;
  } while (std::chrono::steady_clock::now() - started < start_limit);
  return readiness::unreachable;
}

result<void> stop_postmaster(const data_directory& directory, pid_t postmaster) {
  const auto found = process_handle::of(postmaster);
  if (!found) return tl::unexpected(found.error());
  if (const auto& process = *found) {
    process->signal(SIGINT);
    if (!process->ended_within(fast_stop_limit)) {
      process->signal(SIGQUIT);
      process->ended_within(immediate_stop_limit);
    }
  }
  return clear_leftovers(directory);  // of a postmaster that would not end, or was killed meanwhile
}

std::string connection_string(const fs::path& sockets, const std::string& database) {
  return "host=" + sockets.string() + " port=5432 user=" + database_user + " dbname=" + database;
}

std::string last_complaint(const data_directory& directory, std::uintmax_t offset) {
  std::ifstream log{directory.log()};
  std::error_code ignored;
  const auto size = fs::file_size(directory.log(), ignored);
  if (ignored || size < offset) offset = 0;
  offset = std::max(offset, size > max_complaint_bytes ? size - max_complaint_bytes : 0);
  log.seekg(static_cast<std::streamoff>(offset));
  std::string found;
  for (std::string line; std::getline(log, line);)
    for (const auto* mark : {"FATAL:", "PANIC:", "could not", "error while loading"})
      if (const auto at = line.find(mark); at != std::string::npos) {
        found = line.substr(at);
        break;
      }
  return found;
}

}  // namespace millrace::postgres
