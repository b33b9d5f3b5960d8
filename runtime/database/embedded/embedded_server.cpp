#include "runtime/database/embedded/embedded_server.hpp"

#include <signal.h>

#include "runtime/core/blocking.hpp"
#include "runtime/database/embedded/cluster.hpp"
#include "runtime/database/embedded/data_directory.hpp"
#include "runtime/database/embedded/directory_handle.hpp"
#include "runtime/database/embedded/holder_watch.hpp"
#include "runtime/database/embedded/installation.hpp"
#include "runtime/database/embedded/major_upgrade.hpp"
#include "runtime/database/embedded/postmaster.hpp"
#include "runtime/database/embedded/socket_directory.hpp"
#include "runtime/database/file_lock.hpp"
#include "runtime/database/pool.hpp"
#include "runtime/database/sql.hpp"
#include "runtime/database/supported_versions.hpp"

namespace millrace {

namespace {

/// Somebody else's start or stop may take its full time before it is our turn.
constexpr std::chrono::minutes turn_limit =
    std::chrono::ceil<std::chrono::minutes>(postgres::start_limit + postgres::fast_stop_limit +
                                            postgres::immediate_stop_limit) +
    std::chrono::minutes{1};
/// A server may end while it is looked at, or leave backends that need clearing.
constexpr int max_start_attempts = 3;
/// The session that creates the database holds this advisory lock (an arbitrary number that nobody
/// else uses) as long as the server works on it: CREATE DATABASE continues after its client is
/// killed.
constexpr auto take_turn_to_make_sql = R"sql(
  set lock_timeout = '60s';
  select pg_advisory_lock(7883951835720016742))sql";
constexpr auto find_database_sql = "select from pg_database where datname = $1";

}  // namespace

struct embedded_server::impl {
  embedded_server_config config;
  postgres::data_directory directory;  ///< By its path, for other programs and messages.
  postgres::directory_handle handle;   ///< The same one for life; the server is looked up by it.
  postgres::file_lock starting;        ///< Held only while starting or stopping.
  postgres::file_lock holders;         ///< Held shared for life.
  /// Empty until there was a server. Every later one must listen there: others have been told.
  std::filesystem::path sockets = {};
  std::string connection_string = {};
  bool adopted = false;
  std::string warning = {};

  result<void> join();
  result<void> start_again();
  result<bool> start_missing_watch();
  void leave();
  bool in_place() const;
  result<std::optional<pid_t>> find_postmaster() const;

 private:
  result<void> take_turn();
  result<void> start();
  result<void> start_and_make();
  void start_watch();
  result<bool> start_once(const postgres::installation& programs);
  result<bool> adopt(const postgres::data_directory& here, pid_t postmaster);
  result<bool> start_new(const postgres::data_directory& here,
                         const postgres::installation& programs);
  void listens_in(const std::filesystem::path& folder);
  result<void> ensure_database() const;
  error did_not_start(std::uintmax_t log_offset) const;
};

result<void> embedded_server::impl::take_turn() {
  if (!starting.exclusive_within(turn_limit))
    return fail(ec::data_directory,
                "another process has been starting or stopping the database in " +
                    directory.root.string() + " for more than " +
                    std::to_string(turn_limit.count()) + " minutes; end it and try again");
  if (in_place()) return {};
  starting.unlock();
  return fail(ec::data_directory, "the data directory " + directory.root.string() +
                                      ", or a lock in it, was moved or removed meanwhile; end this "
                                      "process and start it again");
}

bool embedded_server::impl::in_place() const {
  return handle.is_at(directory.root) && !starting.is_replaced_at(directory.start_lock()) &&
         !holders.is_replaced_at(directory.holders_lock());
}

result<void> embedded_server::impl::join() {
  if (auto turn = take_turn(); !turn) return turn;
  auto joined = start_and_make();
  if (joined && !holders.try_shared())
    joined = fail(ec::data_directory, directory.holders_lock().string() + " cannot be locked");
  if (!joined) leave();
  starting.unlock();
  return joined;
}

/// The server may be killed between its start and the database's making.
result<void> embedded_server::impl::start_and_make() {
  result<void> made;
  for (int attempt = 1; attempt <= max_start_attempts; ++attempt) {
    if (auto started = start(); !started) return started;
    made = ensure_database();
    if (made || made.error().code != ec::database_unavailable) return made;
  }
  return made;
}

result<void> embedded_server::impl::start_again() {
  if (auto turn = take_turn(); !turn) return turn;
  auto started = start();
  starting.unlock();
  return started;
}

result<bool> embedded_server::impl::start_missing_watch() {
  if (config.holder_watch.empty() || !starting.try_exclusive()) return false;
  auto started =
      in_place() ? postgres::start_holder_watch(directory, handle, config.holder_watch) : false;
  starting.unlock();
  return started;
}

/// Stops the server where nobody else holds it. The start lock is held.
void embedded_server::impl::leave() {
  if (const auto here = handle.lookup(); here && !holders.is_replaced_at(here->holders_lock()))
    postgres::end_server_without_holders(*here, holders);
  holders.unlock();
}

result<std::optional<pid_t>> embedded_server::impl::find_postmaster() const {
  const auto here = handle.lookup();
  return here ? postgres::find_postmaster(*here) : std::nullopt;
}

result<void> embedded_server::impl::start() {
  if (auto removed = postgres::remove_unfinished_clusters(directory); !removed) return removed;
  if (auto removed = postgres::remove_unfinished_upgrade(directory); !removed) return removed;
  const auto version = directory.cluster_version();
  if (!version) return tl::unexpected(version.error());
  if (*version || handle.lookup())  // of one that is gone, no empty one takes the place
    if (auto held = handle.hold_cluster(); !held) return held;
  auto programs = postgres::find_installation(*version);
  if (!programs) return tl::unexpected(programs.error());
  if (programs->version < postgres::oldest_version)
    return fail(ec::data_directory, "the data are of PostgreSQL " + std::to_string(**version) +
                                        ", which is too old; `millrace db upgrade` moves them to " +
                                        "a newer one that is installed");
  if (!*version) {
    auto made = postgres::create_cluster(*programs, directory, config.fsync, starting.descriptor());
    if (made) made = handle.hold_cluster();
    if (!made) return made;
  }
  start_watch();  // before the server: there is none without it, whenever this process is killed
  std::error_code ignored;
  const auto size = std::filesystem::file_size(directory.log(), ignored);
  const auto log_offset = ignored ? 0 : size;
  for (int attempt = 1; attempt <= max_start_attempts; ++attempt) {
    auto ready = start_once(*programs);
    if (!ready) return tl::unexpected(ready.error());
    if (*ready) return {};
  }
  return tl::unexpected(did_not_start(log_offset));
}

/// A server is of use without it.
void embedded_server::impl::start_watch() {
  if (config.holder_watch.empty()) return;
  const auto watched = postgres::start_holder_watch(directory, handle, config.holder_watch);
  warning = watched ? ""
                    : "if the last process that uses the database is killed, the database stays: " +
                          watched.error().message;
}

/// Adopts or starts; false if the server ended meanwhile.
result<bool> embedded_server::impl::start_once(const postgres::installation& programs) {
  const auto here = handle.lookup();
  if (!here) return fail(ec::data_directory, "there is no database in " + directory.root.string());
  const auto running = postgres::find_postmaster(*here);
  if (!running) return tl::unexpected(running.error());
  return *running ? adopt(*here, **running) : start_new(*here, programs);
}

result<bool> embedded_server::impl::adopt(const postgres::data_directory& here, pid_t postmaster) {
  const auto used = postgres::socket_directory_in_use(here);
  if (!used) return tl::unexpected(used.error());
  const auto own = postgres::socket_directory_for(here);
  if (!own) return tl::unexpected(own.error());
  const auto folder = used->value_or(sockets.empty() ? *own : sockets);
  if (!sockets.empty() && folder != sockets)
    return fail(ec::data_directory, "another version of millrace has started the database in " +
                                        directory.root.string() + ", with its sockets in " +
                                        folder.string() + "; end this process and start it again");
  const auto answer = postgres::await_ready(folder, postmaster);
  if (!answer) return tl::unexpected(answer.error());
  adopted = *answer == postgres::readiness::ready;
  if (adopted) {
    listens_in(folder);
    return true;
  }
  // Without its socket a server serves nobody: begin anew.
  if (auto stopped = postgres::stop_postmaster(here, postmaster); !stopped)
    return tl::unexpected(stopped.error());
  return false;
}

result<bool> embedded_server::impl::start_new(const postgres::data_directory& here,
                                              const postgres::installation& programs) {
  if (auto cleared = postgres::clear_leftovers(here); !cleared)
    return tl::unexpected(cleared.error());
  const auto own = postgres::socket_directory_for(here);
  if (!own) return tl::unexpected(own.error());
  const auto folder = sockets.empty() ? *own : sockets;
  if (auto made = postgres::prepare_socket_directory(folder, directory.owner); !made)
    return tl::unexpected(made.error());
  auto postmaster = postgres::start_postmaster(programs, directory,
                                               {.sockets = folder,
                                                .max_connections = config.max_connections,
                                                .fsync = config.fsync,
                                                .listen_addresses = config.listen_addresses});
  if (!postmaster) return tl::unexpected(postmaster.error());
  const auto outcome = postgres::await_ready(folder, *postmaster);
  if (!outcome) return tl::unexpected(outcome.error());
  if (*outcome == postgres::readiness::unreachable)
    if (auto stopped = postgres::stop_postmaster(here, *postmaster); !stopped)
      return tl::unexpected(stopped.error());
  if (*outcome == postgres::readiness::ready) listens_in(folder);
  return *outcome == postgres::readiness::ready;
}

/// Only once: those who were told use it without a lock.
void embedded_server::impl::listens_in(const std::filesystem::path& folder) {
  if (!sockets.empty()) return;
  sockets = folder;
  connection_string = postgres::connection_string(folder, postgres::database_name);
}

/// A kill between the first start and this leaves a cluster without the database; so it is looked
/// for each time.
result<void> embedded_server::impl::ensure_database() const {
  try {
    sql::connection connection{postgres::connection_string(sockets, "postgres")};
    sql::nontransaction session{connection};
    const auto is_there = [&] {
      return !session.exec(find_database_sql, sql::params{postgres::database_name}).empty();
    };
    if (is_there()) return {};
    session.exec(take_turn_to_make_sql);
    if (!is_there())
      session.exec("create database " + connection.quote_name(postgres::database_name));
    return {};
  } catch (...) {
    return tl::unexpected(to_error("making the database"));
  }
}

error embedded_server::impl::did_not_start(std::uintmax_t log_offset) const {
  const auto complaint = postgres::last_complaint(directory, log_offset);
  const auto where = "see " + directory.log().string();
  if (complaint.find("No space left on device") != std::string::npos)
    return {ec::disk_full, "the database in " + directory.root.string() +
                               " did not start because its disk is full; free some space, " +
                               where};
  return {ec::data_directory, "the database in " + directory.root.string() + " did not start" +
                                  (complaint.empty() ? "" : " (" + complaint + ")") + "; " + where};
}

result<std::unique_ptr<embedded_server>> embedded_server::open(embedded_server_config config) {
  assert_may_block("embedded_server::open");
  auto directory = postgres::prepare_data_directory(config.directory, config.create);
  if (!directory) return tl::unexpected(directory.error());
  auto handle = postgres::directory_handle::open(directory->root);
  if (!handle) return tl::unexpected(handle.error());
  auto starting = postgres::file_lock::open(directory->start_lock());
  if (!starting) return tl::unexpected(starting.error());
  auto holders = postgres::file_lock::open(directory->holders_lock());
  if (!holders) return tl::unexpected(holders.error());
  auto i = std::unique_ptr<impl>{new impl{std::move(config), *directory, std::move(*handle),
                                          std::move(*starting), std::move(*holders)}};
  if (auto joined = i->join(); !joined) return tl::unexpected(joined.error());
  return std::unique_ptr<embedded_server>{new embedded_server{std::move(i)}};
}

embedded_server::embedded_server(std::unique_ptr<impl> i) : impl_{std::move(i)} {}

embedded_server::~embedded_server() {
  assert_may_block("embedded_server::~embedded_server");
  // Where others start and stop for too long, the server stays for the next who opens the
  // directory.
  if (impl_->starting.exclusive_within(turn_limit)) impl_->leave();
}

void embedded_server::stop_without_waiting() {
  if (!impl_->holders.try_exclusive()) return;  // others work on
  const auto postmaster = impl_->find_postmaster();
  if (postmaster && *postmaster) ::kill(**postmaster, SIGINT);
}

const std::string& embedded_server::connection_string() const {
  return impl_->connection_string;
}

const std::filesystem::path& embedded_server::socket_directory() const {
  return impl_->sockets;
}

bool embedded_server::adopted() const {
  return impl_->adopted;
}

const std::string& embedded_server::warning() const {
  return impl_->warning;
}

result<bool> embedded_server::runs() const {
  return impl_->find_postmaster().map([](const auto& found) { return found.has_value(); });
}

result<void> embedded_server::start_again() {
  assert_may_block("embedded_server::start_again");
  return impl_->start_again();
}

result<bool> embedded_server::start_missing_watch() {
  return impl_->start_missing_watch();
}

bool embedded_server::in_place() const {
  return impl_->in_place();
}

std::filesystem::path embedded_server::log() const {
  return impl_->directory.log();
}

}  // namespace millrace
