// The status aggregator: a dataset's row is written once a window, the last change always, and the
// end at once.
#include "actors/status_aggregator.hpp"

#include "tests/actors/database_fixture.hpp"
#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class status_aggregator_test : public ::testing::Test {
 protected:
  engine_database db;
  virtual_engine engine;
  std::int64_t dataset = db.submit(200);
  leader_term term = **campaign(db.pool(), "status_aggregator", "node", db.incarnation, hours{1});
  status_aggregator_actor status;

  void start(duration sweep = hours{1}) {
    status = engine.spawn<status_aggregator_actor_impl>(
        "status_aggregator",
        status_aggregator_config{
            .pool = &db.pool(), .term = term, .sweep = sweep, .counters = engine.counters});
  }

  /// As a commit does: progress first, then the message.
  void end_documents(int count, const char* how = "ready") {
    db.execute("insert into dataset_progress (dataset_id, node, " + std::string{how} +
               ") values (" + std::to_string(dataset) + ", 'node', " + std::to_string(count) +
               ") on conflict (dataset_id, node) do update set " + how + " = dataset_progress." +
               how + " + excluded." + how);
    caf::anon_send(status, progress_changed{{{dataset, static_cast<std::uint64_t>(count)}}});
    engine.run();
  }

  std::int64_t row(const char* column) {
    return db.number("select " + std::string{column} + " from datasets");
  }
  std::string state() { return db.query("select status from datasets"); }
  double updates() { return engine.counters->status_updates_total.Value(); }
  double changes() { return engine.counters->status_changes_total.Value(); }
  void pass(seconds s) { engine.advance(s, milliseconds{500}); }
};

TEST_F(status_aggregator_test, a_hundred_changes_are_one_update_after_the_window) {
  start();
  for (int i = 0; i < 90; ++i) {
    end_documents(1);
    engine.advance(milliseconds{100});
  }
  EXPECT_EQ(updates(), 0);
  EXPECT_EQ(row("ready"), 0);
  for (int i = 0; i < 10; ++i) end_documents(1);
  engine.advance(milliseconds{900});
  EXPECT_EQ(updates(), 0);  // 9.9 s
  engine.advance(milliseconds{200});
  EXPECT_EQ(updates(), 1);
  EXPECT_EQ(changes(), 100);
  EXPECT_EQ(row("ready"), 100);
  pass(seconds{60});
  EXPECT_EQ(updates(), 1);  // nothing changed since
  const auto counted = engine.ask<status_counters>(status, progress_atom_v);
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->changes, 100U);
  EXPECT_EQ(counted->updates, 1U);
}

TEST_F(status_aggregator_test, the_last_change_is_always_written) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_source random{seed};
    if (!status) start();
    const auto before = row("ready");
    const int count = 1 + static_cast<int>(random() % 5);
    for (int i = 0; i < count; ++i) {
      engine.advance(milliseconds{random() % 9000}, milliseconds{500});
      end_documents(1);
    }
    pass(seconds{11});
    EXPECT_EQ(row("ready"), before + count);
  }
  EXPECT_LT(updates(), changes());
}

TEST_F(status_aggregator_test, each_dataset_has_its_own_window) {
  start();
  const auto other = db.submit(5, "other");
  end_documents(1);
  pass(seconds{5});
  caf::anon_send(status, progress_changed{{{other, 1}}});
  pass(seconds{5});
  EXPECT_EQ(updates(), 1);
  pass(seconds{5});
  EXPECT_EQ(updates(), 2);
}

TEST_F(status_aggregator_test, the_end_is_written_at_once_and_once) {
  start(seconds{1});
  end_documents(198);
  pass(seconds{11});
  EXPECT_EQ(updates(), 1);
  EXPECT_EQ(state(), "processing");
  end_documents(1, "failed");
  EXPECT_EQ(updates(), 1);
  end_documents(1);
  EXPECT_EQ(state(), "ready");  // no time has passed
  EXPECT_EQ(row("ready"), 199);
  EXPECT_EQ(row("failed"), 1);
  EXPECT_EQ(updates(), 2);
  const auto finished = db.query("select finished_at from datasets");
  pass(seconds{60});
  EXPECT_EQ(updates(), 2);
  EXPECT_EQ(db.query("select finished_at from datasets"), finished);
}

TEST_F(status_aggregator_test, a_dataset_without_a_ready_document_ends_failed) {
  start(seconds{1});
  pass(seconds{2});
  end_documents(200, "failed");
  EXPECT_EQ(state(), "failed");
  EXPECT_EQ(updates(), 1);
}

TEST_F(status_aggregator_test, the_sweep_ends_what_nobody_reported) {
  db.execute(
      "insert into dataset_progress (dataset_id, node, ready) select id, 'elsewhere', total "
      "from datasets");
  start(seconds{1});
  pass(seconds{1});
  EXPECT_EQ(state(), "ready");
  EXPECT_EQ(updates(), 1);
  pass(seconds{20});
  EXPECT_EQ(updates(), 1);
}

TEST_F(status_aggregator_test, a_write_that_fails_is_kept_and_a_replaced_leader_writes_nothing) {
  start();
  db.execute("update leaders set epoch = epoch + 1");
  end_documents(3);
  pass(seconds{11});
  EXPECT_EQ(updates(), 0);
  EXPECT_EQ(row("ready"), 0);
  db.execute("update leaders set epoch = epoch - 1");
  pass(seconds{11});
  EXPECT_EQ(updates(), 1);
  EXPECT_EQ(row("ready"), 3);
}

TEST_F(status_aggregator_test, a_successor_knows_what_its_predecessor_did_not_write) {
  start(seconds{1});
  end_documents(199);
  engine.kill(status);
  EXPECT_EQ(row("ready"), 0);
  start(seconds{1});
  pass(seconds{2});
  end_documents(1);
  EXPECT_EQ(row("ready"), 200);
  EXPECT_EQ(state(), "ready");
}

}  // namespace
}  // namespace millrace
