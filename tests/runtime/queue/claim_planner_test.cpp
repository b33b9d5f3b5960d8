#include "runtime/queue/claim_planner.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Documents planned per dataset over `rounds` claims of `want`.
std::map<std::int64_t, int> deal(claim_planner& planner, int rounds, int want) {
  std::map<std::int64_t, int> dealt;
  for (int i = 0; i < rounds; ++i)
    for (const auto& p : planner.plan(want)) dealt[p.dataset_id] += p.take;
  return dealt;
}

int sum(const std::map<std::int64_t, int>& dealt) {
  return std::accumulate(dealt.begin(), dealt.end(), 0,
                         [](int n, const auto& d) { return n + d.second; });
}

TEST(claim_planner, knows_nothing_before_the_first_scan) {
  claim_planner planner;
  EXPECT_TRUE(planner.needs_rescan());
  EXPECT_THAT(planner.plan(10), IsEmpty());
  planner.rescan({{1, 1}});
  EXPECT_FALSE(planner.needs_rescan());
  EXPECT_THAT(planner.plan(0), IsEmpty());
  planner.expire();
  EXPECT_TRUE(planner.needs_rescan());
}

TEST(claim_planner, a_dear_rescan_is_not_repeated_before_it_has_paid_off) {
  using std::chrono::seconds;
  claim_planner planner;
  const auto start = claim_planner::clock::now();
  planner.rescan({{1, 1}}, seconds{1}, start);
  planner.expire();
  EXPECT_FALSE(planner.needs_rescan(start + seconds{19}));
  EXPECT_TRUE(planner.needs_rescan(start + seconds{20}));
  planner.rescan({{1, 1}}, seconds{100}, start);
  planner.expire();
  EXPECT_TRUE(planner.needs_rescan(start + claim_planner::longest_rest)) << "…but a minute at most";
  planner.exhausted(1);
  EXPECT_TRUE(planner.needs_rescan(start)) << "nothing is known: there is no choice";
}

TEST(claim_planner, accounts_share_alike_however_many_datasets_they_have) {
  claim_planner planner;
  planner.rescan({{1, 1}, {2, 1}, {3, 1}, {4, 2}});
  const auto dealt = deal(planner, 30, 100);
  EXPECT_EQ(sum(dealt), 3000);
  EXPECT_EQ(dealt.at(4), 1500);
  for (const std::int64_t d : {1, 2, 3}) EXPECT_NEAR(dealt.at(d), 500, 60) << d;
}

// A share that does not divide evenly must not always go to the same one.
TEST(claim_planner, no_account_and_no_dataset_gets_the_remainder_every_time) {
  for (const int want : {1, 2, 5, 7, 199}) {
    SCOPED_TRACE("want " + std::to_string(want));
    claim_planner planner;
    std::vector<ready_dataset> accounts;
    for (std::int64_t a = 1; a <= 100; ++a) accounts.push_back({a, a});
    planner.rescan(accounts);
    const auto dealt = deal(planner, 600, want);
    EXPECT_EQ(sum(dealt), 600 * want);
    for (const auto& [dataset, documents] : dealt)
      EXPECT_NEAR(documents, 6 * want, want + 6) << dataset;
  }
  claim_planner one_account;
  one_account.rescan({{1, 1}, {2, 1}, {3, 1}});
  for (const auto& [dataset, documents] : deal(one_account, 30, 10))
    EXPECT_NEAR(documents, 100, 5) << dataset;
}

TEST(claim_planner, among_many_datasets_those_that_have_enough_give_a_few_at_a_turn) {
  claim_planner planner;
  std::vector<ready_dataset> datasets;
  for (std::int64_t d = 1; d <= 200; ++d) datasets.push_back({d, 1});
  planner.rescan(datasets);
  for (int i = 0; i < 2; ++i)
    for (const auto& p : planner.plan(100)) {
      EXPECT_EQ(p.take, 1) << "what it has is not known yet";
      planner.claimed(p.dataset_id, {0, "2026-01-01", p.dataset_id});
    }
  EXPECT_THAT(planner.plan(100), SizeIs(100 / claim_planner::least_take));
  const auto dealt = deal(planner, 7, 100);  // with the former one, a whole turn of all
  EXPECT_THAT(dealt, SizeIs(7 * 100 / claim_planner::least_take));
  for (const auto& [dataset, documents] : dealt) EXPECT_EQ(documents, claim_planner::least_take);
}

TEST(claim_planner, turns_are_kept_over_rescans) {
  claim_planner planner;
  std::map<std::int64_t, int> dealt;
  for (int i = 0; i < 30; ++i) {  // one document a claim, and a rescan before each
    planner.rescan({{1, 1}, {2, 1}, {3, 2}});
    for (const auto& p : planner.plan(1)) dealt[p.dataset_id] += p.take;
  }
  EXPECT_NEAR(dealt[3], 15, 1);
  EXPECT_NEAR(dealt[1], 7, 1);
  EXPECT_NEAR(dealt[2], 7, 1);
}

TEST(claim_planner, a_claim_starts_behind_the_last_one_until_a_rescan) {
  claim_planner planner;
  planner.rescan({{1, 1}, {2, 1}});
  EXPECT_EQ(planner.plan(1)[0].after.document_id, 0);
  planner.claimed(1, {0, "2026-01-01", 41});
  planner.claimed(1, {0, "2026-01-02", 42});
  planner.claimed(9, {0, "2026-01-02", 99});  // not one of the known
  const auto after_of = [&](std::int64_t dataset) {
    const auto plans = planner.plan(10);
    const auto found = std::find_if(plans.begin(), plans.end(),
                                    [&](const auto& p) { return p.dataset_id == dataset; });
    return found == plans.end() ? queue_watermark{0, "none", -1} : found->after;
  };
  EXPECT_EQ(after_of(1).document_id, 42);
  EXPECT_EQ(after_of(1).run_at, "2026-01-02");
  EXPECT_EQ(after_of(2).run_at, "-infinity");
  planner.rescan({{1, 1}, {2, 1}});
  EXPECT_EQ(after_of(1).run_at, "-infinity") << "a rescan looks at everything";
}

TEST(claim_planner, an_exhausted_dataset_is_not_asked_until_the_next_rescan) {
  claim_planner planner;
  planner.rescan({{1, 1}, {2, 1}, {3, 2}});
  planner.exhausted(1);
  planner.exhausted(1);
  planner.exhausted(77);
  auto dealt = deal(planner, 10, 10);
  EXPECT_FALSE(dealt.contains(1));
  EXPECT_EQ(dealt[2], 50);
  planner.exhausted(3);
  EXPECT_FALSE(planner.needs_rescan());
  planner.exhausted(2);
  EXPECT_TRUE(planner.needs_rescan()) << "nothing is known any more";
  EXPECT_THAT(planner.plan(10), IsEmpty());
}

TEST(claim_planner, remembers_a_bounded_number_of_datasets) {
  claim_planner planner;
  std::vector<ready_dataset> many;
  for (std::int64_t d = 1; d <= 1500; ++d) many.push_back({d, d % 7});
  planner.rescan(many);
  EXPECT_THAT(deal(planner, 50, 1000), SizeIs(claim_planner::max_datasets));
}

}  // namespace
}  // namespace millrace
