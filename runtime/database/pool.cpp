#include "runtime/database/pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <poll.h>

#include "runtime/core/blocking.hpp"
#include "runtime/database/session_options.hpp"

namespace millrace {

namespace {

using steady = std::chrono::steady_clock;

/// A connection that was used more recently is only looked at (is there an end-of-file to read?),
/// not asked.
constexpr std::chrono::seconds trusted_idle_time{1};

/// One session with the server and what is known of it.
struct physical_connection {
  explicit physical_connection(const std::string& connection_string) : session{connection_string} {}

  sql::connection session;
  steady::time_point opened = steady::now();
  steady::time_point returned = opened;
  std::unordered_set<std::string> prepared;
  std::unordered_map<std::string, std::uint32_t> type_oids;
};

using physical_pointer = std::unique_ptr<physical_connection>;

/// While nobody asks, the server has nothing to say but goodbye.
bool has_unread_input(const sql::connection& session) {
  pollfd input{session.sock(), POLLIN, 0};
  return ::poll(&input, 1, 0) != 0;
}

bool answers(sql::connection& session) {
  try {
    sql::nontransaction{session}.exec("select 1");
    return true;
  } catch (const std::exception&) {
    return false;  // its successor will say what is wrong, if anything is
  }
}

}  // namespace

struct connection_pool::impl {
  /// A turn in the queue: granted together with a place, and perhaps with an open connection.
  struct waiter {
    std::condition_variable wake;
    bool granted = false;
    physical_pointer connection;
  };

  result<std::string> connection_string;
  database_settings settings;
  std::function<void(const char*)> observer;

  std::mutex mutex;
  std::vector<physical_pointer> idle;  ///< At most pool_size, the most recently used last.
  std::deque<waiter*> waiting;         ///< First come, first served.
  int busy = 0;                        ///< Places taken, at most limit().
  int peak = 0;
  std::uint64_t opened = 0;
  std::uint64_t transactions = 0;

  int limit() const { return settings.pool_size + settings.max_overflow; }
  int open_connections() const { return busy + static_cast<int>(idle.size()); }

  result<physical_pointer> take_place();
  void give_back(physical_pointer connection);
  physical_pointer take_idle();
  bool usable(physical_connection& connection) const;
  result<physical_pointer> connect();
};

/// Waits for a place. The answer is null where the connection must still be opened.
result<physical_pointer> connection_pool::impl::take_place() {
  std::unique_lock lock{mutex};
  if (waiting.empty() && busy < limit()) {
    ++busy;
    physical_pointer connection;
    if (!idle.empty()) {
      connection = std::move(idle.back());
      idle.pop_back();
    }
    peak = std::max(peak, open_connections());
    return connection;
  }
  waiter turn;
  waiting.push_back(&turn);
  const auto deadline = steady::now() + settings.acquire_timeout;
  if (turn.wake.wait_until(lock, deadline, [&] { return turn.granted; }))
    return std::move(turn.connection);
  std::erase(waiting, &turn);
  return fail(ec::pool_exhausted,
              "no database connection became free within " +
                  std::to_string(settings.acquire_timeout.count()) + " ms: all " +
                  std::to_string(limit()) + " are in use (database.pool_size " +
                  std::to_string(settings.pool_size) + " + database.max_overflow " +
                  std::to_string(settings.max_overflow) + "); raise them or lower the concurrency");
}

/// Passes the place on to the first in the queue; `connection` is null where it was closed or never
/// opened.
void connection_pool::impl::give_back(physical_pointer connection) {
  // What is not kept is closed when the parameter dies, which is after the lock is released.
  const std::lock_guard lock{mutex};
  if (connection) connection->returned = steady::now();
  if (!waiting.empty()) {
    auto* next = waiting.front();
    waiting.pop_front();
    next->connection = std::move(connection);
    next->granted = true;
    next->wake.notify_one();
    return;
  }
  --busy;
  if (connection && open_connections() < settings.pool_size) idle.push_back(std::move(connection));
}

physical_pointer connection_pool::impl::take_idle() {
  const std::lock_guard lock{mutex};
  if (idle.empty()) return nullptr;
  auto connection = std::move(idle.back());
  idle.pop_back();
  return connection;
}

bool connection_pool::impl::usable(physical_connection& connection) const {
  const auto now = steady::now();
  if (!connection.session.is_open() || now - connection.opened > settings.recycle) return false;
  if (!settings.pre_ping) return true;
  const auto trusted = now - connection.returned < trusted_idle_time;
  return (trusted && !has_unread_input(connection.session)) || answers(connection.session);
}

result<physical_pointer> connection_pool::impl::connect() {
  if (!connection_string) return tl::unexpected(connection_string.error());
  try {
    auto connection = std::make_unique<physical_connection>(*connection_string);
    const std::lock_guard lock{mutex};
    ++opened;
    return connection;
  } catch (...) {
    return tl::unexpected(to_error("connecting to the database"));
  }
}

// ------------------------------------------------------------------------------------------------

struct pooled_connection::state {
  std::shared_ptr<connection_pool::impl> pool;
  physical_pointer connection;
  bool discarded = false;

  ~state() {
    const auto keep = !discarded && connection->session.is_open();
    if (!keep) connection.reset();
    pool->give_back(std::move(connection));
  }
};

pooled_connection::pooled_connection(std::unique_ptr<state> s) : state_{std::move(s)} {}
pooled_connection::pooled_connection(pooled_connection&&) noexcept = default;
pooled_connection& pooled_connection::operator=(pooled_connection&&) noexcept = default;
pooled_connection::~pooled_connection() = default;

sql::connection& pooled_connection::operator*() const {
  return state_->connection->session;
}

sql::connection* pooled_connection::operator->() const {
  return &state_->connection->session;
}

void pooled_connection::prepare(const std::string& name, const std::string& sql) {
  auto& known = state_->connection->prepared;
  if (known.contains(name)) return;
  state_->connection->session.prepare(name, sql);
  known.insert(name);
}

std::uint32_t pooled_connection::type_oid(sql::transaction& tx, const std::string& type) {
  auto& known = state_->connection->type_oids;
  if (const auto found = known.find(type); found != known.end()) return found->second;
  const auto row = tx.exec("select $1::text::regtype::oid", sql::params{type}).one_row();
  return known[type] = row[0].as<std::uint32_t>();
}

void pooled_connection::discard() {
  state_->discarded = true;
}

// ------------------------------------------------------------------------------------------------

connection_pool::connection_pool(std::string connection_string, database_settings s,
                                 std::string application_name)
    : impl_{std::make_shared<impl>()} {
  impl_->connection_string = session_connection_string(connection_string, s, application_name);
  impl_->settings = std::move(s);
}

connection_pool::~connection_pool() = default;

result<pooled_connection> connection_pool::acquire() {
  assert_may_block("connection_pool::acquire");
  auto place = impl_->take_place();
  if (!place) return tl::unexpected(place.error());
  auto connection = std::move(*place);
  while (connection && !impl_->usable(*connection)) connection = impl_->take_idle();
  if (!connection) {
    auto made = impl_->connect();
    if (!made) {
      impl_->give_back(nullptr);
      return tl::unexpected(made.error());
    }
    connection = std::move(*made);
  }
  return pooled_connection{
      std::make_unique<pooled_connection::state>(impl_, std::move(connection))};
}

pool_stats connection_pool::stats() const {
  const std::lock_guard lock{impl_->mutex};
  return {static_cast<int>(impl_->idle.size()),
          impl_->busy,
          impl_->peak,
          impl_->opened,
          impl_->transactions,
          static_cast<int>(impl_->waiting.size())};
}

void connection_pool::on_transaction(std::function<void(const char*)> observer) {
  impl_->observer = std::move(observer);
}

void connection_pool::count(const char* purpose) {
  {
    const std::lock_guard lock{impl_->mutex};
    ++impl_->transactions;
  }
  if (impl_->observer) impl_->observer(purpose);
}

}  // namespace millrace
