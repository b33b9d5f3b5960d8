// The committer: what it holds goes into groups that are as large as what gathered meanwhile.
#include "actors/committer.hpp"

#include "tests/actors/engine_fixture.hpp"

namespace millrace {
namespace {

class committer_test : public ::testing::Test {
 protected:
  virtual_engine engine;
  scripted_writer writer;
  std::shared_ptr<puller_log> puller = std::make_shared<puller_log>();
  std::shared_ptr<std::vector<dataset_change>> changes =
      std::make_shared<std::vector<dataset_change>>();
  committer_actor committer;
  demand sent;

  void start(std::size_t max_documents = 256, duration gather = duration{0}) {
    committer = engine.spawn<committer_actor_impl>("committer",
                                                   committer_config{.write = writer.seam(),
                                                                    .max_documents = max_documents,
                                                                    .gather = gather,
                                                                    .counters = engine.counters});
    use_roles roles;
    roles.puller = spawn_puller_log(engine, puller);
    roles.committer = committer;
    roles.status = spawn_status_log(engine, changes);
    caf::anon_send(committer, roles);
    engine.run();
  }

  void commit(std::int64_t token) {
    commit_document message{result_of(token), 0};
    message.bytes = message.outcome.bytes();
    sent += {1, message.bytes};
    ASSERT_TRUE(engine.ask<granted>(committer, ask_grant{sent}));
    ASSERT_TRUE(engine.ask<document_accepted>(committer, std::move(message)));
  }

  void write() {
    writer.write();
    engine.run();
  }

  double total(const char* status) { return engine.counters->documents_total(status).Value(); }
};

TEST_F(committer_test, accepts_while_a_group_is_written_and_the_next_is_what_gathered) {
  start();
  commit(1);
  ASSERT_EQ(writer.groups.size(), 1U);
  for (std::int64_t token = 2; token <= 6; ++token) commit(token);
  EXPECT_EQ(writer.groups.size(), 1U);  // one group at a time
  EXPECT_EQ(puller->ended, (std::vector<std::int64_t>{}));
  write();
  EXPECT_EQ(puller->ended, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(writer.sizes, (std::vector<std::size_t>{1, 5}));
  write();
  EXPECT_EQ(puller->ended, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(writer.groups.empty());
  EXPECT_EQ(total("ready"), 6);
}

TEST_F(committer_test, what_waits_in_the_mailbox_becomes_one_group) {
  start();
  ASSERT_TRUE(engine.ask<granted>(committer, ask_grant{{10, 100'000}}));
  for (std::int64_t token = 1; token <= 10; ++token) {
    auto outcome = result_of(token);
    const auto bytes = outcome.bytes();
    (*engine.self)->send(committer, commit_document{std::move(outcome), bytes});
  }
  engine.run();
  EXPECT_EQ(writer.sizes, (std::vector<std::size_t>{10}));
}

TEST_F(committer_test, a_group_is_at_most_max_documents_and_keeps_their_order) {
  start(4);
  for (std::int64_t token = 1; token <= 11; ++token) commit(token);
  while (!writer.groups.empty()) write();
  EXPECT_EQ(writer.sizes, (std::vector<std::size_t>{1, 4, 4, 2}));
  EXPECT_EQ(puller->ended, (std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST_F(committer_test, one_that_alone_cannot_be_written_costs_its_document_an_attempt) {
  start();
  commit(1);
  writer.write(commit_outcome::unwritten);
  engine.run();
  EXPECT_EQ(puller->abandoned, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(puller->abandoned_as, std::vector{release_reason::failed});
  EXPECT_EQ(total("ready") + total("failed"), 0);
  EXPECT_TRUE(changes->empty());
}

TEST_F(committer_test, a_group_that_fails_abandons_its_leases_and_the_next_goes_on) {
  start();
  commit(1);
  commit(2);
  commit(3);
  writer.refuse({ec::database_unavailable, "gone"});
  engine.run();
  EXPECT_EQ(puller->abandoned, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(puller->abandoned_as, std::vector{release_reason::drained}) << "nobody is to blame";
  EXPECT_TRUE(changes->empty());
  EXPECT_EQ(total("ready"), 0);
  write();
  EXPECT_EQ(puller->ended, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(puller->abandoned, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(total("ready"), 2);
}

TEST_F(committer_test, counts_documents_by_how_they_ended_and_reports_their_datasets) {
  start();
  commit(1);
  for (std::int64_t token = 2; token <= 5; ++token) commit(token);
  write();
  changes->clear();
  auto group = writer.take();
  group_report report;
  const auto add = [&](std::size_t i, std::int64_t dataset, commit_outcome outcome, bool ready) {
    const auto& d = group.documents[i];
    report.documents.push_back({d.token, d.document_id, dataset, outcome, ready});
  };
  add(0, 7, commit_outcome::committed, true);
  add(1, 8, commit_outcome::committed, false);
  add(2, 8, commit_outcome::rejected, false);
  add(3, 9, commit_outcome::stale, true);
  report.refunded = 20;
  group.done(std::move(report));
  engine.run();
  EXPECT_EQ(total("ready"), 2);  // with the first group's
  EXPECT_EQ(total("failed"), 2);
  EXPECT_EQ(engine.counters->stale_tokens_total.Value(), 1);
  EXPECT_EQ(engine.counters->ledger_transactions_total("refund").Value(), 1);
  ASSERT_EQ(changes->size(), 2U);  // nothing of the stale one's dataset
  EXPECT_EQ(changes->at(0).dataset_id, 7);
  EXPECT_EQ(changes->at(0).documents, 1U);
  EXPECT_EQ(changes->at(1).dataset_id, 8);
  EXPECT_EQ(changes->at(1).documents, 2U);
  EXPECT_EQ(puller->ended, (std::vector<std::int64_t>{1, 2, 3, 4, 5}));
}

TEST_F(committer_test, gathers_for_a_while_after_a_group_unless_the_next_is_full) {
  start(4, std::chrono::milliseconds{50});
  commit(1);
  write();
  EXPECT_EQ(writer.sizes, (std::vector<std::size_t>{1})) << "the first goes at once";
  commit(2);
  commit(3);
  EXPECT_EQ(writer.sizes.size(), 1U);
  engine.advance(std::chrono::milliseconds{60}, std::chrono::milliseconds{10});
  EXPECT_EQ(writer.sizes, (std::vector<std::size_t>{1, 2}));
  write();
  for (std::int64_t token = 4; token <= 7; ++token) commit(token);
  EXPECT_EQ(writer.sizes, (std::vector<std::size_t>{1, 2, 4})) << "a full one does not wait";
  write();
  engine.advance(std::chrono::milliseconds{60}, std::chrono::milliseconds{10});
  commit(8);
  EXPECT_EQ(writer.sizes, (std::vector<std::size_t>{1, 2, 4, 1})) << "long after a group, at once";
}

}  // namespace
}  // namespace millrace
