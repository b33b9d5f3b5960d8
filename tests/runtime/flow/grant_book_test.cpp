#include "runtime/flow/grant_book.hpp"

#include <algorithm>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {

static bool operator==(const grant_book::granted& a, const grant_book::granted& b) {
  return a.producer == b.producer && a.total == b.total;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr demand limit{10, 1000};

TEST(grant_book, what_fits_is_granted_at_once_and_only_what_was_granted_may_come) {
  grant_book book{limit};
  EXPECT_EQ(book.ask(1, {4, 400}), (demand{4, 400}));
  EXPECT_EQ(book.promised(), (demand{4, 400}));
  EXPECT_FALSE(book.spend(2, {1, 1})) << "a producer that never asked";
  EXPECT_FALSE(book.spend(1, {5, 10})) << "more items";
  EXPECT_FALSE(book.spend(1, {1, 401})) << "more bytes";
  EXPECT_EQ(book.held(), (demand{0, 0})) << "a refused message is not held";
  EXPECT_TRUE(book.spend(1, {4, 300}));
  EXPECT_EQ(book.held(), (demand{4, 300}));
  EXPECT_FALSE(book.spend(1, {1, 0})) << "the grant is used up";
}

TEST(grant_book, a_repeated_ask_is_granted_once) {
  grant_book book{limit};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(book.ask(1, {6, 600}), (demand{6, 600}));
  EXPECT_EQ(book.promised(), (demand{6, 600}));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(book.ask(2, {6, 100}), std::nullopt);
  EXPECT_EQ(book.waiting(), 1U) << "an ask that waits is repeated, not doubled";
  ASSERT_TRUE(book.spend(1, {6, 600}));
  EXPECT_THAT(book.release({6, 600}), ElementsAre(grant_book::granted{2, {6, 100}}));
  EXPECT_EQ(book.promised(), (demand{6, 100}));
  EXPECT_EQ(book.ask(2, {6, 100}), (demand{6, 100})) << "a lost answer is given again";
  EXPECT_EQ(book.promised(), (demand{6, 100}));
}

TEST(grant_book, an_ask_larger_than_the_limit_is_granted_alone) {
  grant_book book{limit};
  ASSERT_TRUE(book.ask(1, {1, 10}));
  EXPECT_EQ(book.ask(2, {1, 5000}), std::nullopt);
  EXPECT_EQ(book.ask(3, {1, 1}), std::nullopt) << "nobody passes the one that waits";
  ASSERT_TRUE(book.spend(1, {1, 10}));
  EXPECT_THAT(book.release({1, 10}), ElementsAre(grant_book::granted{2, {1, 5000}}));
  ASSERT_TRUE(book.spend(2, {1, 5000}));
  EXPECT_THAT(book.release({1, 5000}), ElementsAre(grant_book::granted{3, {1, 1}}));
}

TEST(grant_book, asks_that_wait_are_served_in_the_order_they_came) {
  grant_book book{limit};
  ASSERT_TRUE(book.ask(1, {10, 10}));
  for (const grant_book::producer_id p : {4, 2, 3}) EXPECT_EQ(book.ask(p, {4, 4}), std::nullopt);
  ASSERT_TRUE(book.spend(1, {10, 10}));
  EXPECT_THAT(book.release({3, 3}), IsEmpty());
  EXPECT_THAT(book.release({5, 5}),
              ElementsAre(grant_book::granted{4, {4, 4}}, grant_book::granted{2, {4, 4}}));
  ASSERT_TRUE(book.spend(4, {4, 4}));
  EXPECT_THAT(book.release({4, 4}), ElementsAre(grant_book::granted{3, {4, 4}}));
}

TEST(grant_book, what_a_dead_producer_did_not_use_is_free_and_what_it_sent_is_held) {
  grant_book book{limit};
  ASSERT_TRUE(book.ask(1, {8, 80}));
  ASSERT_TRUE(book.spend(1, {3, 30}));
  EXPECT_EQ(book.ask(2, {7, 70}), std::nullopt);
  EXPECT_EQ(book.ask(3, {9, 90}), std::nullopt);
  EXPECT_THAT(book.forget(3), IsEmpty());
  EXPECT_THAT(book.forget(1), ElementsAre(grant_book::granted{2, {7, 70}}));
  EXPECT_FALSE(book.knows(1));
  EXPECT_EQ(book.held(), (demand{3, 30}));
  EXPECT_EQ(book.promised(), (demand{7, 70}));
  EXPECT_FALSE(book.spend(1, {1, 1})) << "a message of the dead is refused";
}

/// Many producers at once, as their consumer sees them.
class producers {
 public:
  explicit producers(unsigned seed) : random_{seed} {}

  void step() {
    const auto p = pick(1, 12);
    switch (pick(0, 9)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return ask(p);
      case 4:
      case 5:
      case 6:
        return spend(p);
      case 7:
      case 8:
        return release();
      default:
        if (pick(0, 4) == 0) die(p);
    }
  }

  /// The producers that wait are granted in the end, when all that is held leaves.
  void drain() {
    for (int i = 0; i < 100 && (book_.waiting() > 0 || !held_.empty()); ++i) {
      for (std::uint64_t p = 1; p <= 12; ++p) spend(p);
      while (!held_.empty()) release();
      check();
    }
    EXPECT_EQ(book_.waiting(), 0U);
    EXPECT_EQ(book_.held(), (demand{0, 0}));
  }

  void check() const {
    const auto items = book_.held().items + book_.promised().items;
    const auto bytes = book_.held().bytes + book_.promised().bytes;
    EXPECT_LE(items, limit.items);
    // One ask over the limit is granted alone.
    EXPECT_TRUE(bytes <= limit.bytes || items <= 1) << bytes << " bytes of " << items << " items";
    demand held;
    for (const auto& d : held_) held += d;
    EXPECT_EQ(book_.held(), held);
    EXPECT_LE(book_.waiting(), asked_.size()) << "at most one ask a producer waits";
  }

 private:
  struct account {
    demand sent;
    demand granted;
  };

  std::uint64_t pick(std::uint64_t from, std::uint64_t to) {
    return std::uniform_int_distribution<std::uint64_t>{from, to}(random_);
  }

  /// A new ask where the last one was used up, else the same again: its answer may be lost.
  void ask(std::uint64_t p) {
    auto& total = asked_[p];
    const auto& a = accounts_[p];
    if (total == a.sent) {
      const bool oversized = pick(0, 20) == 0;
      total += oversized ? demand{1, pick(1001, 9000)} : demand{pick(1, 4), pick(1, 400)};
    }
    if (const auto granted = book_.ask(p, total)) take({p, *granted});
  }

  void spend(std::uint64_t p) {
    auto& a = accounts_[p];
    const demand open{a.granted.items - a.sent.items, a.granted.bytes - a.sent.bytes};
    EXPECT_FALSE(book_.spend(p, {open.items + 1, 0})) << "an item beyond the grant";
    EXPECT_FALSE(book_.spend(p, {0, open.bytes + 1})) << "a byte beyond the grant";
    if (open.items == 0) return;
    const demand work{1, open.items == 1 ? open.bytes : pick(0, open.bytes)};
    ASSERT_TRUE(book_.spend(p, work)) << "what was granted is refused";
    a.sent += work;
    held_.push_back(work);
  }

  void release() {
    if (held_.empty()) return;
    std::swap(held_.back(), held_[pick(0, held_.size() - 1)]);
    const auto work = held_.back();
    held_.pop_back();
    for (const auto& g : book_.release(work)) take(g);
  }

  void die(std::uint64_t p) {
    accounts_.erase(p);
    asked_.erase(p);
    for (const auto& g : book_.forget(p)) take(g);
  }

  void take(const grant_book::granted& g) {
    auto& a = accounts_[g.producer];
    EXPECT_GE(g.total.items, a.granted.items) << "a grant never shrinks";
    EXPECT_GE(g.total.bytes, a.granted.bytes);
    a.granted = g.total;
  }

  grant_book book_{limit};
  std::mt19937 random_;
  std::map<std::uint64_t, account> accounts_;
  std::map<std::uint64_t, demand> asked_;  // cumulative, as the last ask said
  std::vector<demand> held_;
};

TEST(grant_book, a_random_run_of_many_producers_never_exceeds_the_limit_and_forgets_nobody) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    producers all{seed};
    for (int i = 0; i < 3000 && !::testing::Test::HasFailure(); ++i) {
      all.step();
      all.check();
    }
    all.drain();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace
