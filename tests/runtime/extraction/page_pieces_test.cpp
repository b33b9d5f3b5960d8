#include "runtime/extraction/page_pieces.hpp"

#include <gtest/gtest.h>

namespace millrace::extraction {
namespace {

const std::string hash(64, 'a');

class page_pieces_test : public ::testing::Test {
 protected:
  page_pieces pieces;
  page_pieces::clock::time_point now;
  std::vector<element> elements;

  std::optional<finished_pages> page(std::uint32_t number, std::size_t bytes = 10) {
    elements.push_back({element_kind::paragraph, 0, number, std::string(bytes, 'x'), {}});
    return pieces.add(number, elements, now);
  }
};

TEST_F(page_pieces_test, a_quick_document_has_none) {
  pieces.begin(now);
  pieces.identify({1, hash, 1'000, 0});
  for (std::uint32_t i = 1; i < page_pieces::piece_pages; ++i) EXPECT_FALSE(page(i));
}

TEST_F(page_pieces_test, one_is_cut_by_time_by_number_and_by_weight) {
  pieces.begin(now);
  pieces.identify({1, hash, 1'000, 0});
  EXPECT_FALSE(page(1));
  now += page_pieces::piece_time;
  const auto by_time = page(2);
  ASSERT_TRUE(by_time);
  EXPECT_EQ(by_time->first, 0U);
  EXPECT_EQ(by_time->end, 2U);
  EXPECT_EQ(by_time->elements.size(), 2U);
  EXPECT_EQ(by_time->sha256, hash);
  const auto by_weight = page(3, page_pieces::piece_bytes);
  ASSERT_TRUE(by_weight);
  EXPECT_EQ(by_weight->first, 2U);
  EXPECT_EQ(by_weight->elements.size(), 1U);
  std::optional<finished_pages> by_number;
  std::uint32_t number = 3;
  while (!by_number) by_number = page(++number);
  EXPECT_EQ(number, 3 + page_pieces::piece_pages);
}

TEST_F(page_pieces_test, what_is_finished_when_the_process_is_lost_is_not_lost) {
  pieces.begin(now);
  EXPECT_FALSE(pieces.rest(elements)) << "nothing is known of it";
  pieces.identify({1, hash, 1'000, 40});
  EXPECT_FALSE(pieces.rest(elements)) << "nothing was finished";
  page(41);
  elements.push_back({element_kind::paragraph, 0, 42, "of a page that is not finished", {}});
  const auto rest = pieces.rest(elements);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->first, 40U) << "behind the pages that were skipped";
  EXPECT_EQ(rest->end, 41U);
  EXPECT_EQ(rest->elements.size(), 1U);
  EXPECT_FALSE(pieces.rest(elements));
}

}  // namespace
}  // namespace millrace::extraction
