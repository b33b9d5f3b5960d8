#include "runtime/database/backup.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>

#include <fcntl.h>
#include <pqxx/pqxx>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/blocking.hpp"
#include "runtime/core/unique_fd.hpp"
#include "runtime/database/installation.hpp"
#include "runtime/database/migrations.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/database/process.hpp"

extern char** environ;

namespace millrace {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes read_limit{5};

/// Of the major version.
constexpr auto version_sql = "select current_setting('server_version_num')::integer / 10000";

/// What a user made in a database: relations outside of the catalogs, and not of an extension.
constexpr auto contents_sql = R"sql(
  select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and not exists (select from pg_depend d
                    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'))sql";

/// Whoever would migrate the empty database meanwhile waits (migrations.cpp), or is told to.
constexpr auto hold_schema_sql = R"sql(
  set lock_timeout = '60s';
  select pg_advisory_lock(7883951835720016741))sql";
constexpr auto new_identity_sql = "update database_identity set id = gen_random_uuid()";

std::vector<std::string> our_environment() {
  std::vector<std::string> variables;  // PGPASSFILE and the like are the user's
  for (char** v = environ; *v != nullptr; ++v) variables.emplace_back(*v);
  return variables;
}

/// The line of a program's output that says what went wrong.
std::string complaint(const std::string& output) {
  std::istringstream lines{output};
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (first.empty()) first = line;
    if (line.find("error:") != std::string::npos) return line;
  }
  return first;
}

error failed(const std::string& doing, const postgres::program_outcome& outcome) {
  const auto out_of_space = outcome.output.find("No space left on device") != std::string::npos ||
                            outcome.output.find("Disk quota exceeded") != std::string::npos;
  if (out_of_space) return {ec::disk_full, doing + ": no space is left; free some"};
  const auto lost = outcome.output.find("connection to server") != std::string::npos ||
                    outcome.output.find("terminating connection") != std::string::npos;
  return {lost ? ec::database_unavailable : ec::database_error,
          doing + ": " + complaint(outcome.output)};
}

error unusable(const fs::path& file, int problem) {
  const auto code = problem == ENOSPC                       ? ec::disk_full
                    : problem == ENOENT                     ? ec::path_missing
                    : problem == EACCES || problem == EPERM ? ec::permission_denied
                                                            : ec::invalid_argument;
  return {code, file.string() + ": " + std::strerror(problem)};
}

result<int> server_version(const std::string& connection_string) {
  try {
    pqxx::connection connection{connection_string};
    return pqxx::nontransaction{connection}.exec1(version_sql)[0].as<int>();
  } catch (...) {
    return tl::unexpected(to_error("reading the server's version"));
  }
}

/// FILE.partial while it is written: removed unless it is kept.
class partial_file {
 public:
  static result<partial_file> make(const fs::path& file) {
    partial_file made{file};
    const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    made.descriptor_ = unique_fd{::open(made.path_.c_str(), flags, 0600)};
    if (!made.descriptor_) return tl::unexpected(unusable(made.path_, errno));
    if (::flock(made.descriptor_.get(), LOCK_EX | LOCK_NB) != 0)
      return fail(ec::invalid_argument, "another backup writes " + made.path_.string());
    struct stat held {};
    struct stat there {};
    if (::fstat(made.descriptor_.get(), &held) != 0 || ::stat(made.path_.c_str(), &there) != 0 ||
        held.st_dev != there.st_dev || held.st_ino != there.st_ino)
      return fail(ec::invalid_argument, "another backup has just written " + file.string());
    made.ours_ = true;  // what a killed one left is written anew
    if (::ftruncate(made.descriptor_.get(), 0) != 0 || ::fchmod(made.descriptor_.get(), 0600) != 0)
      return tl::unexpected(unusable(made.path_, errno));
    return made;
  }
  partial_file(partial_file&& other) noexcept
      : path_{std::move(other.path_)},
        file_{std::move(other.file_)},
        descriptor_{std::move(other.descriptor_)},
        ours_{std::exchange(other.ours_, false)} {}
  partial_file& operator=(partial_file&&) = delete;
  ~partial_file() {
    if (ours_) ::unlink(path_.c_str());
  }

  int descriptor() const { return descriptor_.get(); }

  /// Its bytes. Never takes the place of another file.
  result<std::uint64_t> keep() {
    struct stat status {};
    if (::fsync(descriptor_.get()) != 0 || ::fstat(descriptor_.get(), &status) != 0 || !rename())
      return tl::unexpected(unusable(file_, errno));
    ours_ = false;
    const auto folder = file_.has_parent_path() ? file_.parent_path() : fs::path{"."};
    if (const auto fd = unique_fd{::open(folder.c_str(), O_DIRECTORY | O_CLOEXEC)})
      ::fsync(fd.get());
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  /// Some network file systems cannot rename without replacing; they can link.
  bool rename() const {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, file_.c_str(), RENAME_NOREPLACE) == 0)
      return true;
    if (errno != EINVAL && errno != ENOSYS) return false;
    return ::link(path_.c_str(), file_.c_str()) == 0 && ::unlink(path_.c_str()) == 0;
  }

  explicit partial_file(const fs::path& file) : path_{file.string() + ".partial"}, file_{file} {}

  fs::path path_;
  fs::path file_;
  unique_fd descriptor_;
  bool ours_ = false;
};

result<void> check_empty(pqxx::nontransaction& session) {
  if (session.exec1(contents_sql)[0].as<std::int64_t>() == 0) return {};
  return fail(ec::invalid_argument,
              "the database is not empty, and a backup is restored into an empty one only; give "
              "--data a new directory, or database.url a new database");
}

/// With the schema held.
result<void> fill(const std::string& connection_string, const fs::path& file, int version,
                  const stop_question& stop) {
  const auto program_file = postgres::find_client_program("pg_restore", version);
  if (!program_file) return tl::unexpected(program_file.error());
  const postgres::program pg_restore{
      .arguments = {*program_file, "--single-transaction", "--exit-on-error", "--no-owner",
                    "--no-privileges", "--no-password", "--dbname=" + connection_string,
                    fs::absolute(file)},
      .environment = our_environment()};
  const auto outcome = postgres::run_program_until(pg_restore, -1, stop);
  if (!outcome) return tl::unexpected(outcome.error());
  if (outcome->exit_status != 0) return tl::unexpected(failed("restoring the backup", *outcome));
  return {};
}

/// The newest migration in a backup.
result<int> schema_version_of(const fs::path& file) {
  struct stat status {};
  const unique_fd readable{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!readable || ::fstat(readable.get(), &status) != 0)
    return tl::unexpected(unusable(file, errno));
  if (!S_ISREG(status.st_mode))
    return fail(ec::invalid_argument, file.string() + " is not a file that holds a backup");
  const auto program_file = postgres::find_client_program("pg_restore", 0);
  if (!program_file) return tl::unexpected(program_file.error());
  const auto outcome = postgres::run_program(
      {.arguments = {*program_file, "--data-only", "--table=schema_migrations", "--file=-",
                     fs::absolute(file)},
       .environment = our_environment()},
      read_limit);
  if (!outcome) return tl::unexpected(outcome.error());
  int newest = 0;
  std::istringstream lines{outcome->output};
  bool rows = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("COPY "))
      rows = true;
    else if (line == "\\.")
      rows = false;
    else if (rows)
      newest = std::max(newest, std::atoi(line.c_str()));
  }
  if (outcome->exit_status == 0 && newest > 0) return newest;
  return fail(ec::invalid_argument,
              file.string() + " is not a backup that `millrace db backup` wrote" +
                  (outcome->exit_status == 0 ? "" : " (" + complaint(outcome->output) + ")"));
}

}  // namespace

result<std::uint64_t> back_up(const std::string& connection_string, const fs::path& file,
                              const stop_question& stop) {
  assert_may_block("back_up");
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(file, ignored)))
    return fail(ec::invalid_argument,
                file.string() + " exists and is not overwritten; remove it or name another file");
  const auto version = server_version(connection_string);
  if (!version) return tl::unexpected(version.error());
  const auto program_file = postgres::find_client_program("pg_dump", *version);
  if (!program_file) return tl::unexpected(program_file.error());
  auto partial = partial_file::make(file);
  if (!partial) return tl::unexpected(partial.error());
  const auto lock_limit = std::chrono::milliseconds{backup_lock_limit}.count();
  const postgres::program pg_dump{
      .arguments = {*program_file, "--format=custom", "--no-owner", "--no-privileges",
                    "--no-password", "--lock-wait-timeout=" + std::to_string(lock_limit),
                    "--dbname=" + connection_string},
      .environment = our_environment()};
  const auto outcome = postgres::run_program_until(pg_dump, partial->descriptor(), stop);
  if (!outcome) return tl::unexpected(outcome.error());
  if (outcome->exit_status != 0)
    return tl::unexpected(failed("writing " + file.string(), *outcome));
  return partial->keep();
}

result<void> check_backup(const fs::path& file) {
  assert_may_block("check_backup");
  const auto schema = schema_version_of(file);
  if (!schema) return tl::unexpected(schema.error());
  if (const auto known = known_migrations().back().version; *schema > known)
    return fail(ec::database_newer, file.string() + " has schema version " +
                                        std::to_string(*schema) + ", this millrace knows " +
                                        std::to_string(known) + "; use a newer millrace");
  return {};
}

result<void> restore(const std::string& connection_string, const fs::path& file, identity of,
                     const stop_question& stop) {
  assert_may_block("restore");
  const auto version = server_version(connection_string);
  if (!version) return tl::unexpected(version.error());
  try {
    pqxx::connection connection{connection_string};
    {
      pqxx::nontransaction session{connection};
      session.exec(hold_schema_sql);  // until the connection ends
      if (auto empty = check_empty(session); !empty) return empty;
    }
    if (auto filled = fill(connection_string, file, *version, stop); !filled) return filled;
    if (auto migrated = migrate(connection); !migrated) return tl::unexpected(migrated.error());
    if (of == identity::fresh) pqxx::nontransaction{connection}.exec(new_identity_sql);
    return {};
  } catch (...) {
    return tl::unexpected(to_error("restoring the backup"));
  }
}

}  // namespace millrace
