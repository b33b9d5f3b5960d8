// The queue puller against a real queue: what it claims, whom it delivers to, and that whatever is
// not committed goes back.
#include "actors/queue_puller.hpp"

#include <set>

#include "tests/actors/queue_puller_fixture.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(queue_puller_test, claims_nothing_that_nobody_asked_for) {
  db.submit(100);
  engine.advance(milliseconds{100}, milliseconds{1});
  EXPECT_LE(db.leased(), batch);
}

TEST_F(queue_puller_test, claims_what_was_demanded_and_at_most_one_batch_ahead) {
  db.submit(200);
  std::vector<slot> slots;
  std::set<std::int64_t> tokens;
  for (int i = 0; i < 30; ++i) slots.push_back(new_slot());
  for (int round = 0; round < 5; ++round) {
    for (auto& s : slots)
      if (static_cast<int>(&s - slots.data()) % (round + 1) == 0) demand_of(s);
    settle();
    std::size_t delivered = 0;
    std::uint64_t demanded = 0;
    for (auto& s : slots) {
      delivered += s.leases->size();
      demanded += s.demanded;
      EXPECT_EQ(s.leases->size(), s.demanded);
    }
    EXPECT_LE(db.leased(), static_cast<std::int64_t>(demanded) + batch);
    EXPECT_EQ(db.leased(), static_cast<std::int64_t>(delivered + book->count().buffered));
  }
  for (auto& s : slots)
    for (auto& l : *s.leases) EXPECT_TRUE(tokens.insert(l.token).second);
}

TEST_F(queue_puller_test, waits_a_moment_for_company_before_it_claims) {
  db.submit(100);
  auto s = new_slot();
  demand_of(s);
  engine.run();
  EXPECT_EQ(db.leased(), 0);
  engine.advance(queue_puller_actor_impl::claim_delay, milliseconds{1});
  EXPECT_EQ(s.leases->size(), 1U);
}

TEST_F(queue_puller_test, claims_nothing_before_a_run_has_submitted) {
  held = true;
  db.submit(100);
  std::vector<slot> slots;
  for (std::size_t i = 0; i < queue_puller_actor_impl::claim_at; ++i) slots.push_back(new_slot());
  for (auto& s : slots) demand_of(s);
  tell(wake_atom_v);
  engine.advance(seconds{6}, milliseconds{500});
  EXPECT_EQ(db.leased(), 0);
  held = false;
  tell(wake_atom_v);
  EXPECT_GE(db.leased(), static_cast<std::int64_t>(slots.size()));
}

TEST_F(queue_puller_test, fifty_that_wait_are_worth_a_claim_at_once) {
  db.submit(100);
  std::vector<slot> slots;
  for (std::size_t i = 0; i < queue_puller_actor_impl::claim_at; ++i) slots.push_back(new_slot());
  for (auto& s : slots) demand_of(s);
  engine.run();
  EXPECT_GT(db.leased(), 0);
}

TEST_F(queue_puller_test, an_empty_queue_is_asked_again_on_a_wake_up_and_at_each_poll) {
  auto s = new_slot();
  demand_of(s);
  settle();
  db.submit(1, "first");
  settle();
  EXPECT_TRUE(s.leases->empty());
  tell(wake_atom_v);
  ASSERT_EQ(s.leases->size(), 1U);
  tell(leases_ended{{s.leases->at(0).token}});
  demand_of(s);
  settle();
  db.submit(1, "second");
  engine.advance(seconds{6}, milliseconds{500});
  EXPECT_EQ(s.leases->size(), 2U);
}

TEST_F(queue_puller_test, the_work_of_a_killed_document_actor_goes_to_another) {
  db.submit(1);
  auto victim = new_slot();
  auto heir = new_slot();
  demand_of(victim);
  settle();
  ASSERT_EQ(victim.leases->size(), 1U);
  demand_of(heir);
  settle();
  EXPECT_TRUE(heir.leases->empty());
  engine.kill(victim.actor);
  tell(holder_died{victim.actor->id(), false});
  ASSERT_EQ(heir.leases->size(), 1U);
  EXPECT_EQ(heir.leases->at(0).document_id, victim.leases->at(0).document_id);
  EXPECT_NE(heir.leases->at(0).token, victim.leases->at(0).token);
  EXPECT_EQ(heir.leases->at(0).losses, 1);
  EXPECT_EQ(heir.leases->at(0).failures, 0);
}

TEST_F(queue_puller_test, a_suspect_is_marked_before_it_runs_and_those_behind_it_are_not) {
  db.submit(2);
  db.execute("update queue_ready set losses = 2");
  auto a = new_slot();
  auto b = new_slot();
  demand_of(a);
  demand_of(b);
  settle();
  ASSERT_EQ(a.leases->size() + b.leases->size(), 1U) << "it runs alone";
  const auto first = a.leases->empty() ? b.leases->at(0) : a.leases->at(0);
  EXPECT_EQ(db.query("select document_id from queue_leases where begun"),
            std::to_string(first.document_id));
  tell(leases_ended{{first.token}});
  tell(wake_atom_v);
  EXPECT_EQ(a.leases->size() + b.leases->size(), 2U);
  EXPECT_EQ(db.number("select count(*) from queue_leases where begun"), 2);
}

TEST_F(queue_puller_test, a_suspect_that_was_taken_away_meanwhile_does_not_run) {
  db.submit(2);
  db.execute("update queue_ready set losses = 2");
  auto a = new_slot();
  demand_of(a);
  settle();
  ASSERT_EQ(a.leases->size(), 1U);
  ASSERT_EQ(book->count().buffered, 1U);
  db.execute("delete from queue_leases where not begun");
  tell(leases_ended{{a.leases->at(0).token}});
  demand_of(a);
  settle();
  EXPECT_EQ(a.leases->size(), 1U);
  EXPECT_EQ(book->count().buffered + book->count().delivered, 0U);
}

TEST_F(queue_puller_test, a_document_that_moves_on_keeps_its_lease) {
  db.submit(1);
  auto s = new_slot();
  demand_of(s);
  settle();
  db.execute("update queue_leases set deadline = now() - interval '1 s'");
  caf::send_as(s.actor, puller, extend_lease{s.leases->at(0).token});
  settle();
  EXPECT_EQ(db.query("select deadline > now() + interval '1 h' from queue_leases"), "t");
}

TEST_F(queue_puller_test, what_a_dead_committer_had_accepted_goes_back_and_nothing_else) {
  db.submit(2);
  auto a = new_slot();
  auto b = new_slot();
  demand_of(a);
  settle();
  demand_of(b);
  settle();
  ASSERT_EQ(a.leases->size() + b.leases->size(), 2U);
  demand_of(a);  // its first document is with the committer
  settle();
  EXPECT_EQ(book->count().handed_over, 1U);
  tell(holder_died{999, true});
  ASSERT_EQ(a.leases->size(), 2U);
  EXPECT_EQ(a.leases->at(1).document_id, a.leases->at(0).document_id);
  EXPECT_EQ(a.leases->at(1).losses, 1);
  EXPECT_EQ(b.leases->size(), 1U);
  EXPECT_EQ(book->count().delivered, 2U);
}

TEST_F(queue_puller_test, abandoned_leases_go_back_without_a_loss) {
  db.submit(1);
  auto s = new_slot();
  demand_of(s);
  settle();
  demand_of(s);
  settle();
  tell(leases_abandoned{{s.leases->at(0).token}, release_reason::drained, 0});
  ASSERT_EQ(s.leases->size(), 2U);
  EXPECT_EQ(s.leases->at(1).losses, 0);
  EXPECT_EQ(s.leases->at(1).failures, 0);
  EXPECT_EQ(book->count().handed_over, 0U);
}

TEST_F(queue_puller_test, a_document_actor_that_refuses_a_lease_costs_the_document_nothing) {
  db.submit(1);
  auto rude = new_slot(true);
  demand_of(rude);
  settle();
  auto s = new_slot();
  demand_of(s);
  settle();
  ASSERT_EQ(s.leases->size(), 1U);
  EXPECT_EQ(s.leases->at(0).losses, 0);
  EXPECT_EQ(s.leases->at(0).failures, 0);
}

TEST_F(queue_puller_test, a_failed_lease_comes_back_with_a_delay_that_doubles) {
  db.submit(1);
  for (int failures = 0; failures < 3; ++failures) {
    auto s = new_slot();
    demand_of(s);
    settle();
    ASSERT_EQ(s.leases->size(), 1U);
    EXPECT_EQ(s.leases->at(0).failures, failures);
    caf::send_as(s.actor, puller,
                 return_lease{s.leases->at(0).token, release_reason::failed,
                              static_cast<std::uint64_t>(2'000) << failures});
    settle();
    EXPECT_EQ(db.leased(), 0);
    const auto wait =
        db.query("select run_at - clock_timestamp() > interval '" + std::to_string(2 << failures) +
                 " s' - interval '1 s' and "
                 "run_at - clock_timestamp() <= interval '" +
                 std::to_string(2 << failures) + " s' from queue_ready");
    EXPECT_EQ(wait, "t") << failures;
    engine.kill(s.actor);
    tell(holder_died{s.actor->id(), false});
    db.execute("update queue_ready set run_at = clock_timestamp()");
    tell(wake_atom_v);
  }
}

TEST_F(queue_puller_test, a_drained_lease_costs_no_attempt) {
  db.submit(1);
  auto s = new_slot();
  demand_of(s);
  settle();
  caf::send_as(s.actor, puller, return_lease{s.leases->at(0).token, release_reason::drained, 0});
  demand_of(s);
  settle();
  ASSERT_EQ(s.leases->size(), 2U);
  EXPECT_EQ(s.leases->at(1).failures, 0);
  EXPECT_EQ(s.leases->at(1).losses, 0);
  EXPECT_EQ(db.query("select attempts from documents"), "0");
}

TEST_F(queue_puller_test, a_pause_gives_back_what_is_not_delivered_and_a_resume_goes_on) {
  auto s = slot_with_more_ahead();
  tell(pause_claims{"the key is refused", 3'600'000});
  EXPECT_EQ(book->count().buffered, 0U);
  EXPECT_EQ(db.leased(), 1);
  EXPECT_TRUE(progress().paused);
  EXPECT_EQ(progress().pause_reason, "the key is refused");
  EXPECT_FALSE(book->take({{}, 1'000}));
  demand_of(s);
  engine.advance(seconds{20}, seconds{1});
  EXPECT_EQ(s.leases->size(), 1U);
  tell(resume_atom_v);
  EXPECT_EQ(s.leases->size(), 2U);
  EXPECT_FALSE(progress().paused);
  EXPECT_TRUE(book->take({{}, 1'000}));
  EXPECT_EQ(db.number("select max(losses + failures) from queue_ready"), 0);
}

TEST_F(queue_puller_test, claims_more_when_one_that_took_a_lease_says_that_few_are_left) {
  slot_with_more_ahead();
  int taken = 0;
  while (const auto lease = book->take({{}, 1'000U + static_cast<unsigned>(taken)})) {
    ++taken;
    if (lease->runs_low) break;
  }
  ASSERT_GT(taken, 0);
  const auto left = book->count().buffered;
  ASSERT_LT(left, static_cast<std::size_t>(batch) / 2);
  tell(flush_atom_v);
  EXPECT_GE(book->count().buffered, static_cast<std::size_t>(batch) / 2);
}

TEST_F(queue_puller_test, nobody_takes_what_is_left_while_the_disk_is_almost_full) {
  slot_with_more_ahead();
  storage_problem = "only 10 MiB are free";
  engine.advance(seconds{6}, seconds{1});
  ASSERT_TRUE(progress().paused);
  EXPECT_FALSE(book->take({{}, 1'000}));
}

TEST_F(queue_puller_test, an_almost_full_disk_stops_the_claims) {
  storage_problem = "only 10 MiB are free";
  engine.advance(seconds{5}, seconds{1});
  db.submit(10);
  auto s = new_slot();
  demand_of(s);
  tell(wake_atom_v);
  EXPECT_TRUE(s.leases->empty());
  EXPECT_EQ(progress().pause_reason, "only 10 MiB are free");
}

TEST_F(queue_puller_test, a_drain_releases_what_is_not_delivered_and_claims_no_more) {
  db.submit(50);
  auto s = new_slot();
  demand_of(s);
  settle();
  const auto buffered = book->count().buffered;
  ASSERT_GT(buffered, 0U);
  const auto first = engine.ask<drain_progress>(puller, drain_atom_v);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->in_flight, 1U);
  EXPECT_EQ(first->released, buffered);
  EXPECT_EQ(db.leased(), 1);
  EXPECT_EQ(db.number("select max(losses + failures) from queue_ready"), 0);
  EXPECT_EQ(db.number("select max(attempts) from documents"), 0);
  tell(leases_ended{{s.leases->at(0).token}});
  demand_of(s);
  engine.advance(seconds{20}, seconds{1});
  EXPECT_EQ(s.leases->size(), 1U);
  EXPECT_EQ(progress().in_flight, 0U);
}

/// The book outlives the puller: its successor delivers what was claimed.
TEST_F(queue_puller_test, a_restarted_puller_delivers_what_its_predecessor_claimed) {
  db.submit(3);
  auto first = new_slot();
  demand_of(first);
  settle();
  EXPECT_EQ(book->count().buffered, 2U);
  engine.kill(puller);
  puller = spawn_puller();
  auto second = new_slot();
  demand_of(second);
  settle();
  ASSERT_EQ(second.leases->size(), 1U);
  EXPECT_EQ(second.leases->at(0).losses, 0);
  EXPECT_EQ(db.leased(), 3);
}

/// A release that waits for its transaction must survive the puller.
TEST_F(queue_puller_test, a_lease_that_is_being_given_back_survives_a_restart) {
  db.submit(1);
  auto s = new_slot();
  demand_of(s);
  settle();
  caf::send_as(s.actor, puller, return_lease{s.leases->at(0).token, release_reason::drained, 0});
  engine.run();  // before the flush
  engine.kill(puller);
  puller = spawn_puller();
  s.demanded = 0;
  demand_of(s);
  engine.advance(seconds{6}, milliseconds{500});
  EXPECT_EQ(s.leases->size(), 2U);
}

}  // namespace
}  // namespace millrace
