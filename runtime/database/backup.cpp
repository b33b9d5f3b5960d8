#include "runtime/database/backup.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/blocking.hpp"
#include "runtime/core/system_error.hpp"
#include "runtime/core/unique_fd.hpp"
#include "runtime/database/embedded/installation.hpp"
#include "runtime/database/embedded/process.hpp"
#include "runtime/database/migrations.hpp"
#include "runtime/database/partial_file.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/database/sql.hpp"
#include "runtime/database/supported_versions.hpp"

extern char** environ;

namespace millrace {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes read_limit{5};
/// The first bytes of pg_dump's custom format.
constexpr std::string_view archive_magic = "PGDMP";
/// What a shell adds to the number of the signal that ended a program.
constexpr int signal_offset = 128;

/// The major version.

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

/// The user's own (PGPASSFILE and the like), with messages in English: they are looked through.
std::vector<std::string> our_environment() {
  std::vector<std::string> variables{"LC_ALL=C"};
  for (char** v = environ; *v != nullptr; ++v)
    if (!std::string_view{*v}.starts_with("LC_ALL=")) variables.emplace_back(*v);
  return variables;
}

/// The line of a program's output that says what went wrong.
std::string complaint(const std::string& program, const postgres::program_outcome& outcome) {
  std::istringstream lines{outcome.output};
  std::string first;
  for (std::string line; std::getline(lines, line);) {
    if (first.empty()) first = line;
    if (line.find("error:") != std::string::npos) return line;
  }
  if (!first.empty()) return first;
  return outcome.exit_status > signal_offset
             ? program + " was ended by signal " +
                   std::to_string(outcome.exit_status - signal_offset)
             : program + " ended with status " + std::to_string(outcome.exit_status);
}

bool says_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* w) { return text.find(w) != std::string::npos; });
}

bool is_out_of_space(const std::string& text) {
  return says_any(text, {"No space left on device", "Disk quota exceeded"});
}
bool lost_the_server(const std::string& text) {
  return says_any(text, {"connection to server", "terminating connection"});
}

error backup_failed(const fs::path& file, const postgres::program_outcome& outcome) {
  const auto words = complaint("pg_dump", outcome);
  const auto what = "the backup " + file.string() + " was not written: ";
  if (is_out_of_space(outcome.output))
    return {ec::disk_full, what + "the disk is full; free some space or name a file elsewhere"};
  if (lost_the_server(outcome.output))
    return {ec::database_unavailable,
            what + words + "; see whether the database runs, and try again"};
  if (says_any(outcome.output, {"lock timeout"}))
    return {ec::database_timeout, what + "somebody has held a lock on a table for " +
                                      std::to_string(backup_lock_limit.count()) +
                                      " min; try again when that has ended (" + words + ")"};
  return {ec::database_error, what + words};
}

error damaged(const fs::path& file, const std::string& words) {
  return {ec::invalid_argument,
          "the backup " + file.string() +
              " is damaged or incomplete; copy it again from where it was made, or use another "
              "backup (" +
              words + ")"};
}

error restore_failed(const fs::path& file, const postgres::program_outcome& outcome) {
  const auto words = complaint("pg_restore", outcome);
  if (says_any(words, {"unsupported version"}))
    return {ec::database_error,
            "the backup " + file.string() +
                " was written by the pg_dump of a newer PostgreSQL than this server's; restore it "
                "into a server of that version or a newer one (" +
                words + ")"};
  const auto what =
      "the backup " + file.string() + " was not restored, and the database is empty as before: ";
  if (is_out_of_space(outcome.output))
    return {ec::disk_full, what + "the database's disk is full; free some space"};
  if (lost_the_server(outcome.output))
    return {ec::database_unavailable,
            what + words + "; see whether the database runs, and try again"};
  const bool servers = says_any(
      words, {"could not execute query", "COPY failed", "PQputCopy", "PQendcopy", "ERROR:"});
  if (!servers) return damaged(file, words);
  return {ec::database_error,
          what + words +
              "; if the file was copied, compare its checksum with the original's: damage inside a "
              "backup looks like this too"};
}

error unreadable(const fs::path& file, int problem) {
  const auto what = "the backup " + file.string();
  if (problem == ENOENT || problem == ENOTDIR)
    return {ec::path_missing,
            what + " does not exist; name a file that `millrace db backup` wrote"};
  if (problem == EACCES || problem == EPERM)
    return {
        ec::permission_denied,
        what + " may not be read by this user; run as its owner, or give the file to this user"};
  auto e = system_error(problem, what + " cannot be read", ec::invalid_argument);
  if (e.code == ec::invalid_argument) e.message += "; use another copy of it";
  return e;
}

error not_ours(const fs::path& file) {
  return {ec::invalid_argument, file.string() +
                                    " is not a backup of Millrace; name a file that `millrace db "
                                    "backup` wrote"};
}

/// server_version_num.
result<int> server_version(const std::string& connection_string) {
  try {
    return sql::connection{connection_string}.server_version();
  } catch (...) {
    return tl::unexpected(to_error("reading the server's version"));
  }
}

result<void> check_empty(sql::nontransaction& session) {
  if (session.exec(contents_sql).one_row()[0].as<std::int64_t>() == 0) return {};
  return fail(ec::invalid_argument,
              "the database is not empty, and a backup is restored into an empty one only; give "
              "--data a new directory, or database.url a new database");
}

/// With the schema held.
result<void> fill(const std::string& connection_string, const fs::path& file, int version,
                  const stop_question& stop) {
  const auto program_file =
      postgres::find_client_program("pg_restore", {.version = version, .or_newer = false});
  if (!program_file) return tl::unexpected(program_file.error());
  const postgres::program pg_restore{
      .arguments = {*program_file, "--single-transaction", "--exit-on-error", "--no-owner",
                    "--no-privileges", "--no-password", "--dbname=" + connection_string,
                    fs::absolute(file)},
      .environment = our_environment()};
  const auto outcome = postgres::run_program_until(pg_restore, -1, stop);
  if (!outcome) return tl::unexpected(outcome.error());
  if (outcome->exit_status != 0) return tl::unexpected(restore_failed(file, *outcome));
  return {};
}

/// Whether this is a file of pg_dump's custom format, by how it begins.
result<void> check_format(const fs::path& file) {
  if (file.empty())
    return fail(ec::invalid_argument,
                "the name of the backup is empty; name a file that `millrace db backup` wrote");
  struct stat status {};
  const unique_fd readable{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!readable || ::fstat(readable.get(), &status) != 0)
    return tl::unexpected(unreadable(file, errno));
  if (!S_ISREG(status.st_mode)) return tl::unexpected(not_ours(file));
  if (status.st_size == 0) return tl::unexpected(damaged(file, "it is empty"));
  std::array<char, archive_magic.size()> begin{};
  const auto got = ::read(readable.get(), begin.data(), begin.size());
  if (got < 0) return tl::unexpected(unreadable(file, errno));
  if (std::string_view{begin.data(), static_cast<std::size_t>(got)} == archive_magic) return {};
  return tl::unexpected(not_ours(file));
}

/// The newest migration in a backup.
result<int> schema_version_of(const fs::path& file) {
  if (auto fits = check_format(file); !fits) return tl::unexpected(fits.error());
  const auto program_file = postgres::find_client_program("pg_restore", {});
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
  if (outcome->exit_status == 0)
    return newest > 0 ? result<int>{newest} : tl::unexpected(not_ours(file));
  const auto words = complaint("pg_restore", *outcome);
  if (says_any(words, {"unsupported version"}))
    return fail(ec::database_error,
                "the backup " + file.string() +
                    " was written by a newer pg_dump than the pg_restore of this machine can read; "
                    "install the postgresql-client of that version (" +
                    words + ")");
  return tl::unexpected(damaged(file, words));
}

}  // namespace

result<std::uint64_t> back_up(const std::string& connection_string, const fs::path& file,
                              const stop_question& stop) {
  assert_may_block("back_up");
  if (auto is_new = check_new_file(file); !is_new) return tl::unexpected(is_new.error());
  const auto number = server_version(connection_string);
  if (!number) return tl::unexpected(number.error());
  const auto program_file =
      postgres::find_client_program("pg_dump", {.version = postgres::major_version(*number)});
  if (!program_file) return tl::unexpected(program_file.error());
  const auto exact = postgres::find_client_program(
      "pg_dump", {.version = postgres::major_version(*number), .or_newer = false});
  if (!exact)
    spdlog::warn(
        "this backup is written by {}, which is newer than the server (PostgreSQL {}): it can be "
        "restored into a server of its own version or a newer one only",
        program_file->native(), postgres::major_version(*number));
  auto partial = partial_file::make(file, archive_magic);
  if (!partial) return tl::unexpected(partial.error());
  const auto lock_limit = std::chrono::milliseconds{backup_lock_limit}.count();
  // By name: pg_dump 17 cannot go back in what it was given open, and appends its table of contents
  // once more. The file is synced when it is kept.
  const postgres::program pg_dump{
      .arguments = {*program_file, "--format=custom", "--file=/dev/stdout", "--no-sync",
                    "--no-owner", "--no-privileges", "--no-password",
                    "--lock-wait-timeout=" + std::to_string(lock_limit),
                    "--dbname=" + connection_string},
      .environment = our_environment()};
  const auto outcome = postgres::run_program_until(pg_dump, partial->descriptor(), stop);
  if (!outcome) return tl::unexpected(outcome.error());
  if (outcome->exit_status != 0) return tl::unexpected(backup_failed(file, *outcome));
  return partial->keep();
}

result<void> check_backup(const fs::path& file) {
  assert_may_block("check_backup");
  const auto schema = schema_version_of(file);
  if (!schema) return tl::unexpected(schema.error());
  if (const auto known = known_migrations().back().version; *schema > known)
    return fail(ec::database_newer, "the backup " + file.string() + " has schema version " +
                                        std::to_string(*schema) + ", this millrace knows " +
                                        std::to_string(known) + "; use a newer millrace");
  return {};
}

result<void> restore(const std::string& connection_string, const fs::path& file, identity of,
                     const stop_question& stop) {
  assert_may_block("restore");
  const auto number = server_version(connection_string);
  if (!number) return tl::unexpected(number.error());
  if (auto fits = postgres::check_server_version(*number); !fits)
    return tl::unexpected(fits.error());
  try {
    sql::connection connection{connection_string};
    {
      sql::nontransaction session{connection};
      session.exec(hold_schema_sql);  // until the connection ends
      if (auto empty = check_empty(session); !empty) return empty;
    }
    if (auto filled = fill(connection_string, file, postgres::major_version(*number), stop);
        !filled)
      return filled;
    if (auto migrated = migrate(connection); !migrated) return tl::unexpected(migrated.error());
    if (of == identity::fresh) sql::nontransaction{connection}.exec(new_identity_sql);
    return {};
  } catch (...) {
    return tl::unexpected(to_error("restoring the backup"));
  }
}

}  // namespace millrace
