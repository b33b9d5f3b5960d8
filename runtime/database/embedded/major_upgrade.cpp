#include "runtime/database/embedded/major_upgrade.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <thread>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/blocking.hpp"
#include "runtime/database/disk_lookup.hpp"
#include "runtime/database/embedded/cluster.hpp"
#include "runtime/database/embedded/installation.hpp"
#include "runtime/database/embedded/postmaster.hpp"
#include "runtime/database/embedded/socket_directory.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/database/sql.hpp"
#include "runtime/database/supported_versions.hpp"

namespace millrace {

namespace {

namespace fs = std::filesystem;
using postgres::data_directory;
using postgres::file_lock;
using postgres::installation;

constexpr std::chrono::seconds turn_limit{10};
/// Connections are ours alone.
constexpr int max_connections = 8;
/// pg_upgrade copies files with so many processes; a disk is not faster with more.
constexpr unsigned max_jobs = 4;
/// Bytes, from the end.
constexpr std::size_t shown_of_a_program = 600;
constexpr std::size_t kept_of_a_log = 64 << 10;
constexpr auto no_space = "No space left on device";
constexpr auto tables_sql = R"sql(
  select coalesce(string_agg(format('select %L, count(*) from %I', relname, relname), ' union all '), '')
  from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace)sql";
constexpr auto character_type_sql = "select datctype from pg_database where datname = 'template0'";
constexpr auto mark_sql =
    "select 'database ' || coalesce(max(id::text), '') from database_identity";

fs::path upgrade_root(const data_directory& directory) {
  return directory.root / "postgres.upgrade";
}

/// In a folder that an upgrade made. Without it, one of that name is somebody else's.
constexpr auto mark_name = "millrace.upgrade";

/// True for an empty folder too: the upgrade was killed before it left its mark.
bool is_of_an_upgrade(const fs::path& root) {
  std::error_code problem;
  if (!fs::is_directory(fs::symlink_status(root, problem))) return false;
  return fs::is_regular_file(fs::symlink_status(root / mark_name, problem)) ||
         fs::is_empty(root, problem);
}

bool exchange_folders(const fs::path& one, const fs::path& other) {
  return ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
}

/// The mark goes last: killed on the way, the folder is still known as an upgrade's.
void remove_root(const fs::path& root, std::error_code& problem) {
  for (auto entry = fs::directory_iterator{root, problem};
       !problem && entry != fs::directory_iterator{}; entry.increment(problem)) {
    if (entry->path().filename() != mark_name) fs::remove_all(entry->path(), problem);
    if (problem) return;
  }
  if (!problem) fs::remove_all(root, problem);
}

/// Rows of each table, and the database's identity.
using contents = std::map<std::string, std::int64_t>;

struct former_cluster {
  contents holds;
  std::string character_type;
};

class cluster_upgrade {
 public:
  cluster_upgrade(const data_directory& former, installation from, installation to,
                  std::function<bool()> stop, int start_lock)
      : former_{former},
        next_{.root = upgrade_root(former), .owner = former.owner},
        from_{std::move(from)},
        to_{std::move(to)},
        stop_{std::move(stop)},
        start_lock_{start_lock} {}

  result<void> run() {
    if (auto room = check_room(); !room) return room;
    // First of all: whoever finds the folder ends the servers that are started here.
    if (auto made = make_root(); !made) return made;
    auto done = upgrade();
    if (!done && done.error().code != ec::cancelled) keep_logs(done.error());
    return done;
  }

 private:
  result<void> upgrade() {
    const auto former = look_at_former();
    if (!former) return tl::unexpected(former.error());
    if (auto go_on = check_stop(); !go_on) return go_on;
    if (auto made =
            postgres::create_cluster(to_, next_, true, start_lock_, former->character_type, stop_);
        !made)
      return made;
    if (auto moved = move_data(); !moved) return moved;
    if (auto kept = keep_access(); !kept) return kept;
    if (auto same = check_next(former->holds); !same) return same;
    if (auto go_on = check_stop(); !go_on) return go_on;
    return exchange();
  }

  result<void> check_stop() const {
    if (stop_()) return fail(ec::cancelled, "the upgrade was ended before it was done");
    return {};
  }

  /// The database of a server that runs while `look` does.
  template <class Look>
  auto with_server(const installation& programs, const data_directory& directory, Look look)
      -> decltype(look(std::declval<sql::nontransaction&>())) {
    const auto sockets = make_sockets(directory);
    if (!sockets) return tl::unexpected(sockets.error());
    const auto postmaster = postgres::start_postmaster(
        programs, directory, {.sockets = *sockets, .max_connections = max_connections});
    if (!postmaster) return tl::unexpected(postmaster.error());
    const auto outcome = postgres::await_ready(*sockets, *postmaster);
    if (!outcome) return tl::unexpected(outcome.error());
    auto seen = [&]() -> decltype(look(std::declval<sql::nontransaction&>())) {
      if (*outcome != postgres::readiness::ready)
        return fail(ec::data_directory,
                    "PostgreSQL " + std::to_string(programs.version) + " does not start");
      try {
        sql::connection session{postgres::connection_string(*sockets, postgres::database_name)};
        sql::nontransaction tx{session};
        return look(tx);
      } catch (...) {
        return tl::unexpected(to_error("upgrading the database"));
      }
    }();
    if (auto stopped = postgres::stop_postmaster(directory, *postmaster); !stopped)
      return tl::unexpected(stopped.error());
    postgres::remove_socket_directory(*sockets, directory.owner);
    return seen;
  }

  static result<fs::path> make_sockets(const data_directory& directory) {
    auto sockets = postgres::socket_directory_for(directory);
    if (!sockets) return sockets;
    if (auto made = postgres::prepare_socket_directory(*sockets, directory.owner); !made)
      return tl::unexpected(made.error());
    return sockets;
  }

  static contents contents_of(sql::nontransaction& tx) {
    contents found;
    if (const auto all = tx.exec(tables_sql).one_row()[0].as<std::string>(); !all.empty())
      for (const auto& row : tx.exec(all)) found[row[0].c_str()] = row[1].as<std::int64_t>();
    if (found.contains("database_identity")) found[tx.exec(mark_sql).one_row()[0].c_str()] = 1;
    return found;
  }

  /// And ends it cleanly: pg_upgrade refuses a cluster that crashed.
  result<former_cluster> look_at_former() {
    return with_server(from_, former_, [](sql::nontransaction& tx) -> result<former_cluster> {
      return former_cluster{contents_of(tx),
                            tx.exec(character_type_sql).one_row()[0].as<std::string>()};
    });
  }

  /// Of what is copied: the new cluster writes a WAL of its own.
  result<void> check_room() const {
    std::uint64_t need = 0;
    std::error_code problem;
    for (auto file = fs::recursive_directory_iterator{former_.cluster(), problem};
         !problem && file != fs::recursive_directory_iterator{}; file.increment(problem)) {
      if (file->path().filename() == "pg_wal") file.disable_recursion_pending();
      if (file->is_regular_file(problem)) need += file->file_size(problem);
      if (problem) break;
    }
    if (problem)
      return fail(ec::data_directory,
                  former_.cluster().string() + " cannot be read: " + problem.message());
    need += postgres::space_of_new_cluster;
    if (const auto free = former_.free_bytes(); free < need)
      return fail(ec::disk_full, "the upgrade needs " + std::to_string(need >> 20) + " MiB, and " +
                                     std::to_string(free >> 20) + " MiB are free in " +
                                     former_.root.string() + "; free some space");
    return {};
  }

  result<void> make_root() const {
    const auto failed = [&] {
      return fail(errno == ENOSPC ? ec::disk_full : ec::data_directory,
                  next_.root.string() + " could not be made: " + std::strerror(errno));
    };
    if (::mkdir(next_.root.c_str(), 0700) != 0) {
      if (errno != EEXIST) return failed();
      return fail(ec::data_directory, next_.root.string() +
                                          " is there and was not made by an upgrade, which needs "
                                          "that name; move it away");
    }
    if (!unique_fd{::open((next_.root / mark_name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)})
      return failed();
    if (::chown(next_.root.c_str(), former_.owner.uid, former_.owner.gid) != 0) return failed();
    const auto one = next_.root / "one";
    const auto other = next_.root / "other";
    if (::mkdir(one.c_str(), 0700) != 0 || ::mkdir(other.c_str(), 0700) != 0) return failed();
    if (!exchange_folders(one, other))
      return fail(ec::data_directory,
                  "the file system of " + former_.root.string() + " cannot exchange two folders (" +
                      std::strerror(errno) +
                      "), which an upgrade ends with; `millrace db backup`, and `millrace db "
                      "restore` into a new directory, do the same");
    struct stat cluster {};
    struct stat here {};
    if (::stat(former_.cluster().c_str(), &cluster) == 0 &&
        ::stat(former_.root.c_str(), &here) == 0 && cluster.st_dev != here.st_dev)
      return fail(
          ec::data_directory,
          former_.cluster().string() +
              " is a file system of its own, which nothing can take the place of; `millrace "
              "db backup`, and `millrace db restore` into a new directory, do the same");
    ::rmdir(one.c_str());
    ::rmdir(other.c_str());
    return {};
  }

  result<void> move_data() {
    const auto sockets = make_sockets(next_);
    if (!sockets) return tl::unexpected(sockets.error());
    const auto jobs = std::clamp(std::thread::hardware_concurrency(), 1U, max_jobs);
    const postgres::program pg_upgrade{
        .arguments = {"/usr/bin/env", "--chdir=" + next_.root.string(), to_.programs / "pg_upgrade",
                      "--old-bindir=" + from_.programs.string(),
                      "--new-bindir=" + to_.programs.string(),
                      "--old-datadir=" + former_.cluster().string(),
                      "--new-datadir=" + next_.cluster().string(),
                      "--username=" + std::string{postgres::database_user},
                      "--socketdir=" + sockets->string(), "--jobs=" + std::to_string(jobs)},
        .environment = postgres::server_environment(),
        .user = former_.owner};
    const auto outcome = postgres::run_program_until(pg_upgrade, -1, stop_);
    postgres::remove_socket_directory(*sockets, next_.owner);
    if (!outcome) return tl::unexpected(outcome.error());
    if (outcome->exit_status == 0) return {};
    const auto said = last_words(outcome->output);
    return fail(
        ec::data_directory,
        "pg_upgrade ended with " + std::to_string(outcome->exit_status) +
            (said.empty() ? std::string{" without a word; it was killed, perhaps"} : ": " + said));
  }

  /// Where the reason is: what pg_upgrade and the servers wrote goes with the folder.
  void keep_logs(error& problem) const {
    const auto kept = postgres::open_log(former_);
    std::error_code unreadable;
    bool disk_is_full = problem.message.find(no_space) != std::string::npos;
    for (auto file = fs::recursive_directory_iterator{next_.root, unreadable};
         !unreadable && file != fs::recursive_directory_iterator{}; file.increment(unreadable)) {
      if (file->path().extension() != ".log") continue;
      const auto text = postgres::read_if_there(file->path()).value_or(std::nullopt).value_or("");
      disk_is_full = disk_is_full || text.find(no_space) != std::string::npos;
      const auto words = "== " + file->path().filename().string() + " of the upgrade\n" +
                         last_words(text, kept_of_a_log) + '\n';
      if (kept) static_cast<void>(::write(kept->get(), words.data(), words.size()));
    }
    if (disk_is_full)
      problem = {ec::disk_full, "the disk filled up during the upgrade of " +
                                    former_.root.string() + "; free some space"};
    problem.message += "; see " + former_.log().string();
  }

  /// Of a program that says what is wrong at the end.
  static std::string last_words(std::string said, std::size_t most = shown_of_a_program) {
    while (!said.empty() && said.back() == '\n') said.pop_back();
    if (said.size() > most) said.erase(0, said.size() - most);
    return said;
  }

  /// Who may connect, as the user has it.
  result<void> keep_access() const {
    for (const auto* name : {"pg_hba.conf", "pg_ident.conf"}) {
      std::error_code problem;
      if (!fs::exists(former_.cluster() / name, problem)) continue;
      // Over the file of initdb, whose owner stays.
      fs::copy_file(former_.cluster() / name, next_.cluster() / name,
                    fs::copy_options::overwrite_existing, problem);
      if (problem)
        return fail(ec::data_directory, (next_.cluster() / name).string() +
                                            " could not be written: " + problem.message());
    }
    return {};
  }

  /// The planner's statistics did not come along.
  result<void> check_next(const contents& expected) {
    return with_server(to_, next_, [&](sql::nontransaction& tx) -> result<void> {
      if (contents_of(tx) != expected)
        return fail(ec::database_error,
                    "the upgraded database does not hold what the former one "
                    "does; the former one is untouched");
      tx.exec("analyze");
      return {};
    });
  }

  result<void> exchange() {
    if (!exchange_folders(next_.cluster(), former_.cluster()))
      return fail(ec::data_directory, "the upgraded database could not take its place in " +
                                          former_.root.string() + ": " + std::strerror(errno));
    for (const auto& folder : {former_.root, next_.root})
      if (const auto fd = unique_fd{::open(folder.c_str(), O_DIRECTORY | O_CLOEXEC)})
        ::fsync(fd.get());
    return {};
  }

  const data_directory& former_;
  data_directory next_;
  installation from_;
  installation to_;
  std::function<bool()> stop_;
  int start_lock_;
};

/// Nobody uses the database, and nobody starts to.
result<void> hold_alone(const data_directory& directory, file_lock& starting, file_lock& holders) {
  if (!starting.exclusive_within(turn_limit))
    return fail(ec::data_directory, "another process starts, stops or upgrades the database in " +
                                        directory.root.string() + "; wait for it, and try again");
  if (holders.try_exclusive()) return {};
  return fail(ec::data_directory, "processes use the database in " + directory.root.string() +
                                      "; stop its nodes and commands, then upgrade it");
}

result<void> end_server(const data_directory& directory) {
  const auto running = postgres::find_postmaster(directory);
  if (!running) return tl::unexpected(running.error());
  if (*running) return postgres::stop_postmaster(directory, **running);
  return postgres::clear_leftovers(directory);
}

}  // namespace

namespace postgres {

result<void> remove_unfinished_upgrade(const data_directory& directory) {
  const data_directory left{.root = upgrade_root(directory), .owner = directory.owner};
  std::error_code problem;
  if (!is_of_an_upgrade(left.root)) return {};
  // pg_upgrade and its children, which copy on; then the servers that it started, of both folders.
  kill_processes_in(left.root);
  if (auto ended = end_server(left); !ended) return ended;
  if (auto ended = end_server(directory); !ended) return ended;
  if (const auto sockets = socket_directory_for(left))
    remove_socket_directory(*sockets, left.owner);
  if (auto removed = remove_unfinished_clusters(left); !removed) return removed;
  remove_root(left.root, problem);
  if (problem)
    return fail(ec::data_directory, left.root.string() + ", which an upgrade left, could not be " +
                                        "removed: " + problem.message() + "; remove it by hand");
  return {};
}

}  // namespace postgres

result<upgraded_versions> upgrade_database(const fs::path& path, std::optional<int> to,
                                           const std::function<bool()>& stop) {
  assert_may_block("upgrade_database");
  if (to && (*to < postgres::oldest_version || *to > postgres::newest_version))
    return fail(ec::invalid_argument, "millrace works with PostgreSQL " +
                                          postgres::supported_versions() + ", not with " +
                                          std::to_string(*to));
  auto directory = postgres::prepare_data_directory(path, false);
  if (!directory) return tl::unexpected(directory.error());
  auto starting = file_lock::open(directory->start_lock());
  if (!starting) return tl::unexpected(starting.error());
  auto holders = file_lock::open(directory->holders_lock());
  if (!holders) return tl::unexpected(holders.error());
  if (auto alone = hold_alone(*directory, *starting, *holders); !alone)
    return tl::unexpected(alone.error());
  if (auto removed = postgres::remove_unfinished_upgrade(*directory); !removed)
    return tl::unexpected(removed.error());

  const auto version = directory->cluster_version();
  if (!version) return tl::unexpected(version.error());
  const auto next = postgres::find_installation(to);
  if (!next && to && next.error().code == ec::data_directory)
    return fail(ec::data_directory, "PostgreSQL " + std::to_string(*to) +
                                        " is not installed; install the package postgresql-" +
                                        std::to_string(*to));
  if (!next) return tl::unexpected(next.error());
  if (next->version == version->value_or(0)) return upgraded_versions{**version, **version};
  if (next->version < version->value_or(0))
    return fail(ec::data_directory, "the data are of PostgreSQL " + std::to_string(**version) +
                                        ", which is newer than " + std::to_string(next->version) +
                                        "; PostgreSQL upgrades only forwards");
  auto former = postgres::find_installation(*version);
  if (!former) return tl::unexpected(former.error());
  if (auto ended = end_server(*directory); !ended) return tl::unexpected(ended.error());

  cluster_upgrade upgrade{*directory, *former, *next, stop, starting->descriptor()};
  auto done = upgrade.run();
  const auto removed = postgres::remove_unfinished_upgrade(*directory);
  if (!done) return tl::unexpected(done.error());
  if (!removed) return tl::unexpected(removed.error());
  return upgraded_versions{**version, next->version};
}

}  // namespace millrace
