#include "runtime/database/pool.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"
#include "tests/support/test_database.hpp"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

/// Looks again and again until `condition` holds; false after a time that no working program takes.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

database_settings limits(int pool_size, int max_overflow, duration acquire_timeout = 30s) {
  database_settings s;
  s.pool_size = pool_size;
  s.max_overflow = max_overflow;
  s.acquire_timeout = acquire_timeout;
  return s;
}

result<int> backend_of(connection_pool& pool) {
  return pool.transact("test", [](sql::work& tx, pooled_connection&) -> result<int> {
    return tx.exec("select pg_backend_pid()").one_row()[0].as<int>();
  });
}

TEST(connection_pool, a_connection_is_used_again) {
  test_database database{test_schema::empty};
  const auto first = backend_of(database.pool());
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(backend_of(database.pool()), *first);
  const auto stats = database.pool().stats();
  EXPECT_EQ(stats.opened, 1U);
  EXPECT_EQ(stats.idle, 1);
  EXPECT_EQ(stats.busy, 0);
  EXPECT_EQ(stats.transactions, 2U);
}

TEST(connection_pool, over_its_limit_it_says_which_limits_were_reached) {
  test_database database{test_schema::empty, limits(1, 1, 20ms)};
  auto first = database.pool().acquire();
  auto second = database.pool().acquire();
  ASSERT_TRUE(first && second);
  auto third = database.pool().acquire();
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ec::pool_exhausted);
  EXPECT_THAT(third.error().message, HasSubstr("pool_size 1 + database.max_overflow 1"));
  EXPECT_EQ(database.pool().stats().waiting, 0);
}

TEST(connection_pool, waiters_are_served_in_the_order_they_came) {
  test_database database{test_schema::empty, limits(1, 0)};
  auto& pool = database.pool();
  auto held = pool.acquire();
  ASSERT_TRUE(held);
  std::mutex mutex;
  std::vector<int> served;
  std::vector<std::jthread> threads;
  for (auto i = 0; i < 5; ++i) {
    threads.emplace_back([&, i] {
      auto connection = pool.acquire();
      ASSERT_TRUE(connection);
      const std::lock_guard lock{mutex};
      served.push_back(i);
    });
    ASSERT_TRUE(eventually([&] { return pool.stats().waiting == i + 1; }));
  }
  { const auto released = std::move(*held); }
  threads.clear();
  EXPECT_THAT(served, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(pool.stats().opened, 1U);
}

TEST(connection_pool, overflow_is_closed_after_use) {
  test_database database{test_schema::empty, limits(1, 2)};
  {
    auto first = database.pool().acquire();
    auto second = database.pool().acquire();
    auto third = database.pool().acquire();
    ASSERT_TRUE(first && second && third);
    EXPECT_EQ(database.pool().stats().busy, 3);
  }
  const auto stats = database.pool().stats();
  EXPECT_EQ(stats.idle, 1);
  EXPECT_EQ(stats.busy, 0);
  EXPECT_EQ(stats.peak, 3);
  EXPECT_TRUE(eventually([&] {
    return database.query(
               "select count(*) from pg_stat_activity where application_name = 'millrace/test'"
               " and datname = current_database()") == "1";
  }));
}

TEST(connection_pool, many_threads_never_exceed_the_limit_and_lose_nothing) {
  test_database database{test_schema::empty, limits(2, 2)};
  database.execute("create table counter (n int); insert into counter values (0)");
  constexpr auto threads = 16;
  constexpr auto rounds = 25;
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> workers;
    for (auto i = 0; i < threads; ++i)
      workers.emplace_back([&] {
        for (auto round = 0; round < rounds; ++round) {
          auto done = database.pool().transact(
              "count", [](sql::work& tx, pooled_connection&) -> result<void> {
                tx.exec("update counter set n = n + 1").no_rows();
                return {};
              });
          if (!done) ++failures;
        }
      });
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(database.query("select n from counter"), std::to_string(threads * rounds));
  EXPECT_LE(database.pool().stats().peak, 4);
}

TEST(connection_pool, an_old_connection_is_replaced) {
  auto s = limits(1, 0);
  s.recycle = 0ms;
  test_database database{test_schema::empty, s};
  const auto first = backend_of(database.pool());
  const auto second = backend_of(database.pool());
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
}

TEST(connection_pool, a_dead_idle_connection_is_replaced_before_it_is_used) {
  test_database database{test_schema::empty, limits(1, 0)};
  const auto first = backend_of(database.pool());
  ASSERT_TRUE(first);
  database.query("select pg_terminate_backend(" + std::to_string(*first) + ", 10000)");
  const auto second = backend_of(database.pool());
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(*first, *second);
}

TEST(connection_pool, without_pre_ping_a_dead_connection_costs_one_error) {
  auto s = limits(1, 0);
  s.pre_ping = false;
  test_database database{test_schema::empty, s};
  const auto first = backend_of(database.pool());
  ASSERT_TRUE(first);
  database.query("select pg_terminate_backend(" + std::to_string(*first) + ", 10000)");
  const auto lost = backend_of(database.pool());
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ec::database_unavailable) << lost.error().message;
  EXPECT_TRUE(backend_of(database.pool()));
}

TEST(connection_pool, prepared_statements_follow_a_replaced_connection) {
  test_database database{test_schema::empty, limits(1, 0)};
  const auto twice = [&](int n) {
    return database.pool().transact(
        "test", [&](sql::work& tx, pooled_connection& connection) -> result<int> {
          connection.prepare("twice", "select $1::int * 2");
          return tx.exec(sql::prepared{"twice"}, sql::params{n}).one_row()[0].as<int>();
        });
  };
  EXPECT_EQ(twice(2), 4);
  EXPECT_EQ(twice(3), 6);
  const auto backend = backend_of(database.pool());
  ASSERT_TRUE(backend);
  database.query("select pg_terminate_backend(" + std::to_string(*backend) + ", 10000)");
  EXPECT_EQ(twice(4), 8);
}

TEST(connection_pool, a_discarded_connection_is_closed) {
  test_database database{test_schema::empty, limits(1, 0)};
  auto connection = database.pool().acquire();
  ASSERT_TRUE(connection);
  connection->discard();
  { const auto released = std::move(*connection); }
  EXPECT_EQ(database.pool().stats().idle, 0);
  EXPECT_EQ(database.pool().stats().busy, 0);
}

TEST(connection_pool, a_body_that_fails_changes_nothing_and_keeps_the_connection) {
  test_database database{test_schema::empty, limits(1, 0)};
  database.execute("create table t (n int)");
  const auto outcome =
      database.pool().transact("test", [](sql::work& tx, pooled_connection&) -> result<void> {
        tx.exec("insert into t values (1)").no_rows();
        return fail(ec::stale_token, "not yours");
      });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::stale_token);
  EXPECT_EQ(database.query("select count(*) from t"), "0");
  EXPECT_EQ(database.pool().stats().idle, 1);
  EXPECT_EQ(database.pool().stats().transactions, 0U);
}

TEST(connection_pool, a_statement_over_its_time_is_a_database_timeout) {
  auto s = limits(1, 0);
  s.statement_timeout = 50ms;
  test_database database{test_schema::empty, s};
  const auto outcome =
      database.pool().transact("test", [](sql::work& tx, pooled_connection&) -> result<void> {
        tx.exec("select pg_sleep(300)");
        return {};
      });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::database_timeout) << outcome.error().message;
  EXPECT_TRUE(backend_of(database.pool()));
}

TEST(connection_pool, a_lock_that_is_not_granted_is_a_database_timeout) {
  auto s = limits(2, 0);
  s.lock_timeout = 50ms;
  test_database database{test_schema::empty, s};
  database.execute("create table t (n int)");
  auto holder = database.connect();
  sql::work holding{holder};
  holding.exec("lock table t").no_rows();
  const auto outcome =
      database.pool().transact("test", [](sql::work& tx, pooled_connection&) -> result<void> {
        tx.exec("lock table t").no_rows();
        return {};
      });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::database_timeout) << outcome.error().message;
}

TEST(connection_pool, each_transaction_is_observed_with_its_purpose) {
  test_database database{test_schema::empty};
  std::vector<std::string> purposes;
  database.pool().on_transaction([&](const char* purpose) { purposes.emplace_back(purpose); });
  ASSERT_TRUE(backend_of(database.pool()));
  EXPECT_THAT(purposes, ElementsAre("test"));
}

TEST(connection_pool, a_borrowed_connection_outlives_its_pool) {
  test_database database{test_schema::empty};
  auto pool =
      std::make_unique<connection_pool>(database.connection_string(), limits(1, 0), "millrace/x");
  auto connection = pool->acquire();
  ASSERT_TRUE(connection);
  pool.reset();
  EXPECT_EQ(sql::work{**connection}.exec("select 1").one_row()[0].as<int>(), 1);
}

TEST(connection_pool, without_a_server_it_is_unavailable_and_no_place_is_lost) {
  temporary_directory nobody;
  connection_pool pool{"host=" + nobody.path().string() + " dbname=none", limits(1, 0, 20ms),
                       "millrace/test"};
  for (auto i = 0; i < 3; ++i) {
    const auto outcome = pool.acquire();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ec::database_unavailable) << outcome.error().message;
  }
  EXPECT_EQ(pool.stats().busy, 0);
}

TEST(connection_pool, it_survives_a_restart_of_the_server) {
  temporary_directory directory;
  const embedded_server_config config{.directory = directory.path() / "data", .fsync = false};
  auto server = embedded_server::open(config);
  ASSERT_TRUE(server) << server.error().message;
  connection_pool pool{(*server)->connection_string(), limits(2, 0), "millrace/test"};
  ASSERT_TRUE(backend_of(pool));
  server->reset();
  const auto away = backend_of(pool);
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, ec::database_unavailable) << away.error().message;
  server = embedded_server::open(config);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_TRUE(backend_of(pool));
}

}  // namespace
}  // namespace millrace
