#include "runtime/database/embedded/cluster.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>

#include "runtime/database/disk_lookup.hpp"
#include "runtime/database/embedded/shared_memory.hpp"

namespace millrace::postgres {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes initdb_limit{5};
constexpr std::string_view unfinished_prefix = "postgres.new-";  // and a process ID

/// Character classes of all of Unicode where the system has them; the collation is C in any case:
/// byte order, the same on every machine and the fastest.
std::string best_character_type() {
  const auto locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (locale == nullptr) return "C";
  ::freelocale(locale);
  return "C.UTF-8";
}

bool is_unfinished(std::string_view name) {
  if (!name.starts_with(unfinished_prefix)) return false;
  name.remove_prefix(unfinished_prefix.size());
  return !name.empty() && name.find_first_not_of("0123456789") == name.npos;
}

result<void> make_owned_folder(const fs::path& path, const user_account& owner) {
  if (::mkdir(path.c_str(), 0700) == 0) {
    const auto folder = unique_fd{::open(path.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (folder && ::fchown(folder.get(), owner.uid, owner.gid) == 0) return {};
  }
  return fail(errno == ENOSPC ? ec::disk_full : ec::data_directory,
              path.string() + " could not be made: " + std::strerror(errno));
}

/// The line of initdb's output that says what went wrong.
std::string complaint(const std::string& output) {
  for (const auto* mark : {"FATAL:", "PANIC:", "initdb: error:", "ERROR:"})
    if (const auto at = output.find(mark); at != std::string::npos)
      return output.substr(at, output.find('\n', at) - at);
  return output.empty() ? "without a word" : output.substr(0, output.find('\n'));
}

error initdb_failed(const data_directory& directory, const program_outcome& outcome) {
  const auto out_of_space = outcome.output.find("No space left on device") != std::string::npos ||
                            outcome.output.find("Disk quota exceeded") != std::string::npos;
  if (out_of_space)
    return {ec::disk_full, "the disk filled up while a database was made in " +
                               directory.root.string() +
                               "; free some space or give another --data"};
  return {ec::data_directory, "no database could be made in " + directory.root.string() +
                                  ": initdb ended with " + std::to_string(outcome.exit_status) +
                                  ", " + complaint(outcome.output)};
}

void force_to_disk(const fs::path& folder) {
  if (const auto fd = unique_fd{::open(folder.c_str(), O_DIRECTORY | O_CLOEXEC)}) ::fsync(fd.get());
}

}  // namespace

result<void> remove_unfinished_clusters(const data_directory& directory) {
  const auto names = names_in(directory.root);
  if (!names) return tl::unexpected(names.error());
  for (const auto& name : *names) {
    if (!is_unfinished(name)) continue;
    const auto folder = directory.root / name;
    remove_shared_memory(folder, directory.owner.uid);
    std::error_code problem;
    fs::remove_all(folder, problem);
    if (problem)
      return fail(ec::data_directory, folder.string() +
                                          ", an unfinished database, could not be removed: " +
                                          problem.message() + "; remove it by hand");
  }
  return {};
}

std::vector<std::string> server_environment() {
  return {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
}

result<void> create_cluster(const installation& programs, const data_directory& directory,
                            bool fsync, int start_lock, const std::string& character_type,
                            const std::function<bool()>& stop) {
  if (const auto free = directory.free_bytes(); free < space_of_new_cluster)
    return fail(ec::disk_full, "only " + std::to_string(free >> 20) + " MiB are free in " +
                                   directory.root.string() + "; a new database needs " +
                                   std::to_string(space_of_new_cluster >> 20) +
                                   " MiB; free some space");
  const auto unfinished = directory.root / (std::string{unfinished_prefix} +
                                            std::to_string(static_cast<long>(::getpid())));
  if (auto made = make_owned_folder(unfinished, directory.owner); !made) return made;

  program initdb{
      .arguments = {programs.programs / "initdb", "--pgdata", unfinished, "--username",
                    database_user, "--auth", "trust", "--encoding", "UTF8", "--locale", "C",
                    "--lc-ctype", character_type.empty() ? best_character_type() : character_type,
                    "--data-checksums", "--no-instructions"},
      .environment = server_environment(),
      .user = directory.owner,
      .inherited = start_lock};
  if (!fsync) initdb.arguments.emplace_back("--no-sync");
  const auto latest = std::chrono::steady_clock::now() + initdb_limit;
  const auto late = [&] { return std::chrono::steady_clock::now() >= latest; };
  auto outcome = run_program_until(initdb, -1, [&] { return stop() || late(); });
  if (!outcome && outcome.error().code == ec::cancelled && late())
    outcome = fail(ec::timeout, "initdb did not end within 5 minutes and was ended");
  std::error_code problem;
  if (!outcome || outcome->exit_status != 0) {
    fs::remove_all(unfinished, problem);
    return tl::unexpected(outcome ? initdb_failed(directory, *outcome) : outcome.error());
  }
  fs::rename(unfinished, directory.cluster(), problem);
  if (problem)
    return fail(ec::data_directory,
                directory.cluster().string() + " could not be made: " + problem.message());
  if (fsync) force_to_disk(directory.root);
  return {};
}

}  // namespace millrace::postgres
