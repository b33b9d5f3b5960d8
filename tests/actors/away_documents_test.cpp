// What the queue puller does with documents whose file is on the disk of a node that is away.
#include "tests/actors/queue_puller_fixture.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(queue_puller_test, a_document_of_a_node_that_is_away_waits_longer_each_time_at_no_cost) {
  db.submit(1);
  db.execute("update documents set uri = 'file://b/srv/' || id");
  auto s = new_slot();
  for (const int pause : {5, 10, 20, 40, 60, 60}) {
    const auto before = s.leases->size();
    demand_of(s);
    settle();
    ASSERT_EQ(s.leases->size(), before + 1) << pause;
    caf::send_as(s.actor, puller,
                 return_lease{s.leases->back().token, release_reason::drained, 5'000, "b"});
    settle();
    EXPECT_EQ(db.leased(), 0);
    const auto at = std::to_string(pause);
    EXPECT_EQ(db.query("select run_at - clock_timestamp() between interval '" + at +
                       " s' - interval '2 s' and interval '" + at +
                       " s' + interval '2 s' from queue_ready"),
              "t")
        << pause;
    engine.advance(seconds{pause}, seconds{1});
    db.execute("update queue_ready set run_at = clock_timestamp()");
    tell(wake_atom_v);
  }
  EXPECT_EQ(
      db.number("select sum(failures + losses) from (select failures, losses from queue_ready "
                "union all select failures, losses from queue_leases) as q"),
      0);
  EXPECT_EQ(db.query("select attempts from documents"), "0");
}

TEST_F(queue_puller_test, what_waits_for_a_node_is_due_at_once_when_it_is_back_and_nothing_else) {
  db.submit(3);
  db.execute(
      "update documents set uri = 'file://' || case when uri like '%/2.txt' then 'c' else "
      "'b' end || '/srv/' || id");
  std::vector<slot> slots;
  for (int i = 0; i < 3; ++i) slots.push_back(new_slot());
  for (auto& s : slots) demand_of(s);
  settle();
  for (auto& s : slots) {
    ASSERT_EQ(s.leases->size(), 1U);
    const auto node = s.leases->at(0).uri.substr(7, 1);
    caf::send_as(s.actor, puller,
                 return_lease{s.leases->at(0).token, release_reason::drained, 5'000, node});
    demand_of(s);
  }
  engine.run();  // not written yet: neither may be put off afterwards
  tell(sources_here{{"a", "b"}});
  std::vector<std::string> again;
  for (auto& s : slots)
    for (std::size_t i = 1; i < s.leases->size(); ++i)
      again.push_back(s.leases->at(i).uri.substr(7, 1));
  EXPECT_EQ(again, (std::vector<std::string>{"b", "b"}));
  EXPECT_EQ(db.number("select count(*) from queue_ready where run_at > clock_timestamp()"), 1);
}

TEST_F(queue_puller_test, a_document_of_a_node_that_is_here_and_slow_waits_no_longer_each_time) {
  db.submit(1);
  db.execute("update documents set uri = 'file://b/srv/' || id");
  auto s = new_slot();
  const auto pause_of_the_next = [&] {
    const auto before = s.leases->size();
    demand_of(s);
    settle();
    EXPECT_EQ(s.leases->size(), before + 1);
    caf::send_as(s.actor, puller,
                 return_lease{s.leases->back().token, release_reason::drained, 5'000, "b"});
    settle();
    const auto pause = db.number(
        "select round(extract(epoch from run_at - clock_timestamp()) / 5) * 5 from queue_ready");
    engine.advance(seconds{pause}, seconds{1});
    db.execute("update queue_ready set run_at = clock_timestamp()");
    tell(wake_atom_v);
    return pause;
  };
  tell(sources_here{{"a", "b"}});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(pause_of_the_next(), 5) << i;
  tell(sources_here{{"a"}});
  EXPECT_EQ(pause_of_the_next(), 5) << "away since now";
  EXPECT_EQ(pause_of_the_next(), 10);
  tell(sources_here{{"a", "b"}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(pause_of_the_next(), 5) << "back";
}

TEST_F(queue_puller_test, what_waits_for_a_node_that_is_away_again_is_made_due_no_more) {
  db.submit(queue::max_made_due + 5);
  db.execute("update documents set uri = 'file://b/srv/' || id");
  db.execute(
      "update queue_ready set run_at = clock_timestamp() + interval '1 h' where document_id not in "
      "(select id from documents order by id limit 2)");
  std::vector<slot> slots{new_slot(), new_slot()};
  for (auto& s : slots) demand_of(s);
  settle();
  const auto give_back = [&](slot& s) {
    caf::send_as(s.actor, puller,
                 return_lease{s.leases->at(0).token, release_reason::drained, 5'000, "b"});
    engine.run();
  };
  const auto later = [&] {
    return db.number(
        "select count(*) from queue_ready where run_at > clock_timestamp() + interval '30 min'");
  };
  for (auto& s : slots) ASSERT_EQ(s.leases->size(), 1U);
  give_back(slots[0]);
  tell(sources_here{{"a", "b"}});
  const auto left = later();
  ASSERT_GT(left, 0) << "more than are made due at a time";
  tell(sources_here{{"a"}});
  give_back(slots[1]);
  engine.advance(seconds{11}, milliseconds{500});  // two polls
  EXPECT_EQ(later(), left);
}

}  // namespace
}  // namespace millrace
