#include "runtime/queue/lease_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {

static bool operator==(const lease_book::counts& a, const lease_book::counts& b) {
  return a.buffered == b.buffered && a.delivered == b.delivered && a.handed_over == b.handed_over;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<lease> leases(std::initializer_list<std::int64_t> tokens) {
  std::vector<lease> all;
  for (const auto token : tokens) all.emplace_back().token = token;
  return all;
}

lease_book::holder_id here(std::uint64_t actor) {
  return {{}, actor};
}

TEST(lease_book, leases_are_delivered_in_the_order_they_were_claimed) {
  lease_book book;
  book.add(leases({5, 3}));
  book.add(leases({4}));
  EXPECT_EQ(book.deliver(here(1))->token, 5);
  EXPECT_EQ(book.deliver(here(2))->token, 3);
  EXPECT_EQ(book.deliver(here(3))->token, 4);
  EXPECT_FALSE(book.deliver(here(4)));
  EXPECT_EQ(book.count(), (lease_book::counts{0, 3, 0}));
}

TEST(lease_book, what_a_dead_holder_carried_is_taken_from_it_once) {
  lease_book book;
  book.add(leases({1, 2}));
  book.deliver(here(10));
  book.deliver(here(11));
  EXPECT_THAT(book.take_from(here(10)), ElementsAre(1));
  EXPECT_THAT(book.take_from(here(10)), IsEmpty());
  EXPECT_THAT(book.take_from(here(99)), IsEmpty());
  EXPECT_EQ(book.count(), (lease_book::counts{0, 1, 0}));
}

TEST(lease_book, what_was_handed_over_survives_its_holder_and_ends_with_the_commit) {
  lease_book book;
  book.add(leases({1, 2, 3}));
  book.deliver(here(10));
  book.deliver(here(11));
  book.hand_over(here(10));
  book.hand_over(here(99));  // has none
  EXPECT_THAT(book.take_from(here(10)), IsEmpty()) << "the committer has it now";
  EXPECT_EQ(book.count(), (lease_book::counts{1, 1, 1}));
  EXPECT_TRUE(book.deliver(here(10))) << "the same actor goes on with its next document";
  book.ended({1, 77});
  EXPECT_EQ(book.count(), (lease_book::counts{0, 2, 0}));
  EXPECT_THAT(book.take_from(here(10)), ElementsAre(3)) << "only token 1 has ended";
}

TEST(lease_book, a_lease_that_ends_with_its_holder_is_forgotten_there) {
  lease_book book;
  book.add(leases({1, 2}));
  book.deliver(here(10));
  book.deliver(here(11));
  book.ended({1});
  EXPECT_THAT(book.take_from(here(10)), IsEmpty());
  EXPECT_THAT(book.take_from(here(11)), ElementsAre(2));
}

TEST(lease_book, buffered_and_handed_over_leases_are_taken_whole_at_a_drain_or_a_dead_committer) {
  lease_book book;
  book.add(leases({1, 2, 3, 4}));
  for (const auto& h : {here(10), here(11)}) {
    book.deliver(h);
    book.hand_over(h);
  }
  EXPECT_THAT(book.take_buffered(), ElementsAre(3, 4));
  EXPECT_THAT(book.take_handed_over(), UnorderedElementsAre(1, 2));
  EXPECT_EQ(book.count(), (lease_book::counts{0, 0, 0}));
  EXPECT_FALSE(book.deliver(here(12)));
}

TEST(lease_book, a_document_that_lost_its_holders_twice_runs_alone) {
  lease_book book;
  auto claimed = leases({1, 2, 3});
  claimed[1].losses = suspect_after_losses;
  book.add(claimed);
  EXPECT_EQ(book.deliver(here(10))->token, 1);
  EXPECT_FALSE(book.deliver(here(11))) << "it waits until the others have ended";
  book.hand_over(here(10));
  EXPECT_EQ(book.deliver(here(11))->token, 2);
  EXPECT_FALSE(book.deliver(here(10))) << "the others wait until it has ended";
  book.ended({2});
  EXPECT_EQ(book.deliver(here(10))->token, 3);
}

TEST(lease_book, a_holder_elsewhere_is_told_from_one_of_the_same_number_here) {
  lease_book book;
  book.add(leases({1, 2}));
  book.deliver(here(10));
  book.deliver({"b", 10});
  EXPECT_THAT(book.take_from(here(10)), ElementsAre(1));
  EXPECT_THAT(book.take_from({"b", 10}), ElementsAre(2));
}

TEST(lease_book, a_lost_holder_elsewhere_loses_what_its_committer_had_too) {
  lease_book book;
  book.add(leases({1, 2, 3}));
  book.deliver({"b", 10});
  book.hand_over({"b", 10});
  book.deliver({"b", 10});
  book.deliver(here(10));
  book.hand_over(here(10));
  ASSERT_EQ(book.elsewhere().size(), 2U);
  EXPECT_THAT(book.take_from({"b", 10}), UnorderedElementsAre(1, 2));
  EXPECT_THAT(book.elsewhere(), IsEmpty());
  EXPECT_THAT(book.take_handed_over(), ElementsAre(3));
}

TEST(lease_book, a_holder_takes_the_next_lease_while_the_book_is_open) {
  lease_book book;
  book.add(leases({1, 2, 3, 4}));
  EXPECT_FALSE(book.take(here(10))) << "nobody has opened it";
  book.open(3);
  const auto first = book.take(here(10));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->work.token, 1);
  EXPECT_FALSE(first->runs_low);
  EXPECT_TRUE(book.take(here(11))->runs_low) << "two are left";
  EXPECT_FALSE(book.take(here(12))->runs_low) << "said once";
  book.close();
  EXPECT_FALSE(book.take(here(13)));
  EXPECT_THAT(book.take_from(here(10)), ElementsAre(1)) << "as if it had been delivered";
  EXPECT_EQ(book.count(), (lease_book::counts{1, 2, 0}));
}

TEST(lease_book, no_holder_takes_a_suspect_or_beside_one) {
  lease_book book;
  book.open(1);
  auto claimed = leases({1, 2});
  claimed[0].losses = suspect_after_losses;
  book.add(std::move(claimed));
  EXPECT_FALSE(book.take(here(10))) << "its puller writes first that it begins";
  ASSERT_TRUE(book.deliver(here(10)));
  EXPECT_FALSE(book.take(here(11)));
  book.ended({1});
  EXPECT_TRUE(book.take(here(11)));
}

TEST(lease_book, a_dead_committer_takes_only_what_its_node_had) {
  lease_book book;
  book.add(leases({1, 2}));
  book.deliver({"b", 10});
  book.hand_over({"b", 10});
  book.deliver(here(10));
  book.hand_over(here(10));
  EXPECT_THAT(book.take_handed_over(), ElementsAre(2));
  EXPECT_THAT(book.take_handed_over("b"), ElementsAre(1));
}

}  // namespace
}  // namespace millrace
