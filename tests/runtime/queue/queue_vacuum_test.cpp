// VACUUM of the queue's tables: when it comes, and when it would be in vain.
#include <thread>

#include <gtest/gtest.h>

#include "runtime/queue/queue.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"

namespace millrace {
namespace {

std::int64_t dead_rows(const test_database& db) {
  return number(db, "select n_dead_tup from pg_stat_user_tables where relname = 'queue_ready'");
}

/// The server counts what was deleted a moment later.
bool counts_dead_rows(const test_database& db) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (dead_rows(db) < queue::vacuum_threshold) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(queue_vacuum, comes_only_where_there_is_something_to_remove) {
  test_database db;
  queue q{db.pool(), {}, seed_node(db, "a")};
  EXPECT_FALSE(must(q.vacuum()));
  seed_dataset(db, "d", static_cast<int>(queue::vacuum_threshold) + 1000);
  db.execute("delete from queue_ready");
  ASSERT_TRUE(counts_dead_rows(db));
  EXPECT_TRUE(must(q.vacuum()));
}

TEST(queue_vacuum, waits_for_the_end_of_a_snapshot_beside_which_it_was_in_vain) {
  test_database db;
  queue q{db.pool(), queue_settings{}, seed_node(db, "a")};
  seed_dataset(db, "d", static_cast<int>(queue::vacuum_threshold) + 1000);
  const auto vacuums = [&] {
    return number(db, "select vacuum_count from pg_stat_user_tables where relname = 'queue_ready'");
  };
  {
    auto connection = db.pool().acquire();
    ASSERT_TRUE(connection);
    sql::connection& session = **connection;
    sql::nontransaction{session}.exec("set idle_in_transaction_session_timeout = 0").no_rows();
    sql::repeatable_read snapshot{session};
    snapshot.exec("select count(*) from datasets");
    db.execute("delete from queue_ready");
    ASSERT_TRUE(counts_dead_rows(db));
    EXPECT_TRUE(must(q.vacuum()));
    EXPECT_FALSE(must(q.vacuum())) << "the same snapshot is still open";
    EXPECT_EQ(vacuums(), 1);
  }
  EXPECT_TRUE(must(q.vacuum()));
  EXPECT_LT(dead_rows(db), queue::vacuum_threshold);
}

}  // namespace
}  // namespace millrace
