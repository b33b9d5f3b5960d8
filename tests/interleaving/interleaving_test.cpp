// Every ordered pair of operations on one dataset, as two sessions of a real PostgreSQL: the first
// is held behind each of its statements in turn while the second runs until it ends or waits for a
// lock of the first; then both finish. After each pair the invariants must hold, no operation may
// have failed in an unexpected way (a deadlock is one), and what is left must be workable to the
// end: a dataset ends exactly if it has no work.
//
//   MILLRACE_INTERLEAVINGS  how many of all combinations, chosen at random, or `all`; default 250
//   MILLRACE_SEED           of that choice; default 1
//   MILLRACE_PAIR           only this one, as a failure names it: retry/write_status
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <random>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/interleaving/operations.hpp"
#include "tests/model/invariants.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/statement_gate.hpp"

namespace millrace::interleaving {
namespace {

constexpr std::uint64_t default_combinations = 250;
constexpr int most_failures = 5;
/// Longer than any statement here takes, even under a sanitizer.
constexpr auto patience = std::chrono::seconds{60};

constexpr auto waits_sql = R"sql(
select exists (select from pg_stat_activity
               where application_name = 'millrace/second' and wait_event_type = 'Lock'))sql";

// What must hold when everything is read.
constexpr auto unfinished_sql = R"sql(
select format('dataset %s is still %s', name, status) from datasets where status = 'processing'
union all
select format('%s row of document %s is left', n, document_id)
from (select 'queue_ready' as n, document_id from queue_ready
      union all select 'queue_leases', document_id from queue_leases) q
union all
select format('dataset %s says %s ready, %s failed, %s cancelled', s.name, s.ready, s.failed, s.cancelled)
from datasets s
where (s.ready, s.failed, s.cancelled) is distinct from
      (select (count(*) filter (where status = 'ready'), count(*) filter (where status = 'failed'),
               count(*) filter (where status = 'cancelled')) from documents where dataset_id = s.id))sql";

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : std::strtoull(value, nullptr, 10);
}

struct pair_of_operations {
  stage at = stage::working;
  const operation* first = nullptr;
  const operation* second = nullptr;
};

std::vector<pair_of_operations> all_pairs() {
  const auto* only = std::getenv("MILLRACE_PAIR");
  const auto wanted = [&](const operation& first, const operation& second) {
    return only == nullptr || std::string{first.name} + "/" + second.name == only;
  };
  std::vector<pair_of_operations> all;
  for (const auto s : {stage::working, stage::last, stage::unwritten, stage::ended}) {
    const bool has_leases = s == stage::working || s == stage::last;
    for (const auto& first : operations())
      for (const auto& second : operations())
        if (wanted(first, second) && (has_leases || !(first.needs_leases || second.needs_leases)))
          all.push_back({s, &first, &second});
  }
  return all;
}

/// Sessions wait for locks as long as it takes, and deadlocks are found soon.
database_settings patient() {
  database_settings s;
  s.pool_size = 2;
  s.pre_ping = false;
  s.lock_timeout = patience;
  return s;
}

class interleavings : public ::testing::Test {
 protected:
  interleavings() {
    sql::nontransaction{observer_}.exec("alter system set deadlock_timeout = '20ms'");
    sql::nontransaction{observer_}.exec("select pg_reload_conf()");
    db_.execute(
        "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity) "
        "values ('a', 1, '', '{all}', 'running', 'test', 1, 1)");
    term_ = must(campaign(db_.pool(), "status_aggregator", "a", 1, std::chrono::hours{24})).value();
  }

  /// A session that stands still must not be ended for it.
  std::string through_gate() const {
    const auto& direct = db_.connection_string();
    return "host=" + gate_.directory().string() + direct.substr(direct.find(" port=")) +
           " options='-c idle_in_transaction_session_timeout=0'";
  }

  bool second_waits() {
    sql::nontransaction tx{observer_};
    return tx.exec(waits_sql).one_row()[0].as<bool>();
  }

  void note(const operation& o, ec got) {
    if (!o.expected.contains(got))
      problems_.push_back(std::string{o.name} + " ended with " + std::string{to_string(got)});
  }

  std::vector<std::string> strings(const char* sql) {
    sql::nontransaction tx{observer_};
    std::vector<std::string> found;
    for (const auto& row : tx.exec(sql)) found.emplace_back(row[0].c_str());
    return found;
  }

  void expect_none(std::vector<std::string> found) {
    std::move(found.begin(), found.end(), std::back_inserter(problems_));
  }

  /// How many statements the first operation has: alone, through the gate.
  int statements_of(const pair_of_operations& c) {
    auto& known = statements_[{c.at, c.first}];
    if (known > 0) return known;
    const auto at = set_up(observer_, direct_, term_, c.at);
    gate_.hold(0);
    note(*c.first, c.first->run(gated_, at, side::first));
    return known = gate_.answers();
  }

  /// True if all held. `story_` says what happened.
  bool run(const pair_of_operations& c, int number) {
    problems_.clear();
    const auto at = set_up(observer_, direct_, term_, c.at);
    gate_.hold(number);
    std::jthread first{[&] {
      const auto got = c.first->run(gated_, at, side::first);
      first_got_ = got;
      gate_.client_ended();
    }};
    const bool held = gate_.wait();
    std::atomic<bool> ended = false;
    std::jthread second{[&] {
      second_got_ = c.second->run(direct_second_, at, side::second);
      ended = true;
    }};
    bool waits = false;
    const auto end = std::chrono::steady_clock::now() + patience;
    while (held && !ended && !waits && std::chrono::steady_clock::now() < end)
      waits = second_waits();
    gate_.let_go();
    first.join();
    second.join();
    note(*c.first, first_got_);
    note(*c.second, second_got_);
    expect_none(model::violations(observer_, max_attempts, max_losses));
    settle(observer_, direct_, at);
    expect_none(model::violations(observer_, max_attempts, max_losses));
    expect_none(strings(unfinished_sql));
    waited_ += waits;
    held_ += held;
    story_ = std::string{to_string(c.at)} + ": " + c.first->name + " (" +
             std::string{to_string(first_got_)} + ") held behind statement " +
             std::to_string(number) + ", " + c.second->name + " (" +
             std::string{to_string(second_got_)} + (waits ? ") waits" : ") runs to its end");
    return problems_.empty();
  }

  /// False if enough has failed.
  bool expect_soundness(const pair_of_operations& c, int number) {
    ++combinations_;
    SCOPED_TRACE("MILLRACE_PAIR=" + std::string{c.first->name} + "/" + c.second->name);
    if (run(c, number)) return true;
    ADD_FAILURE() << story_ << "\n" << ::testing::PrintToString(problems_);
    return ++failures_ < most_failures;
  }

  test_database db_;
  statement_gate gate_{test_server().socket_directory()};
  connection_pool direct_{db_.connection_string(), patient(), "millrace/settle"};
  connection_pool direct_second_{db_.connection_string(), patient(), "millrace/second"};
  connection_pool gated_{through_gate(), patient(), "millrace/first"};
  sql::connection observer_ = db_.connect();
  leader_term term_;
  ec first_got_ = ec::none;
  ec second_got_ = ec::none;
  std::vector<std::string> problems_;
  std::string story_;
  std::map<std::pair<stage, const operation*>, int> statements_;
  int combinations_ = 0;
  int failures_ = 0;
  int waited_ = 0;
  int held_ = 0;
};

TEST_F(interleavings, of_two_operations_leave_every_invariant_and_no_work_in_an_ended_dataset) {
  const auto pairs = all_pairs();
  ASSERT_FALSE(pairs.empty());
  const auto* wanted = std::getenv("MILLRACE_INTERLEAVINGS");
  bool more = true;
  if (wanted != nullptr && std::string_view{wanted} == "all") {
    for (const auto& c : pairs)
      for (int k = 1, last = statements_of(c); more && k <= last; ++k)
        more = expect_soundness(c, k);
  } else {
    const auto seed = from_environment("MILLRACE_SEED", 1);
    SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    const auto count = from_environment("MILLRACE_INTERLEAVINGS", default_combinations);
    for (std::uint64_t i = 0; more && i < count; ++i) {
      const auto& c = pairs[random() % pairs.size()];
      const auto statements = static_cast<std::uint64_t>(statements_of(c));
      more = expect_soundness(c, 1 + static_cast<int>(random() % statements));
    }
  }
  std::printf("%d combinations; the first was held in %d, the second waited for a lock in %d\n",
              combinations_, held_, waited_);
}

}  // namespace
}  // namespace millrace::interleaving
