#include "runtime/queue/queue_listener.hpp"

#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

#include "tests/runtime/queue/seeded_queue.hpp"

namespace millrace {
namespace {

/// Counts calls; waits for them with a limit that only a failing test meets.
class ear {
 public:
  std::function<void()> callback() {
    return [this] {
      const std::lock_guard lock{mutex_};
      ++heard_;
      changed_.notify_all();
    };
  }
  bool heard(int times) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{60}, [&] { return heard_ >= times; });
  }
  int count() {
    const std::lock_guard lock{mutex_};
    return heard_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int heard_ = 0;
};

TEST(queue_listener, a_submission_is_heard_and_many_in_one_go_are_one_call) {
  test_database db;
  ear e;
  const queue_listener listener{db.connection_string(), {}, "test", e.callback()};
  ASSERT_TRUE(e.heard(1)) << "looks once when it begins to listen";
  auto submitting = db.connect();
  sql::nontransaction tx{submitting};
  for (int i = 0; i < 100; ++i) tx.exec("notify millrace_queue").no_rows();
  ASSERT_TRUE(e.heard(2));
  EXPECT_LT(e.count(), 100);
}

TEST(queue_listener, a_lost_connection_is_made_again_and_missed_submissions_are_looked_for) {
  test_database db;
  ear e;
  const queue_listener listener{db.connection_string(), {}, "listener under test", e.callback()};
  ASSERT_TRUE(e.heard(1));
  db.query(
      "select count(pg_terminate_backend(pid)) from pg_stat_activity "
      "where application_name = 'listener under test'");
  ASSERT_TRUE(e.heard(2));
  db.execute("notify millrace_queue");
  EXPECT_TRUE(e.heard(3));
}

TEST(queue_listener, without_a_server_it_ends_when_told) {
  ear e;
  { const queue_listener listener{"host=/nowhere", {}, "test", e.callback()}; }
  EXPECT_EQ(e.count(), 0);
}

TEST(queue_listener, reaped_documents_are_heard_of) {
  test_database db;
  seed_dataset(db, "d", 3);
  queue q{db.pool(), {}, seed_node(db, "dead")};
  claim_planner planner;
  must(q.claim(planner, 3));
  ear e;
  const queue_listener listener{db.connection_string(), {}, "test", e.callback()};
  ASSERT_TRUE(e.heard(1));
  must(q.reap({std::chrono::hours{1}}));
  db.execute("update nodes set heartbeat_at = heartbeat_at - interval '1 day'");
  ASSERT_EQ(must(q.reap({std::chrono::hours{1}})), 3);
  EXPECT_TRUE(e.heard(2));
}

}  // namespace
}  // namespace millrace
