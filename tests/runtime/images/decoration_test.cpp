#include "runtime/images/decoration.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

image_verdict judge(std::uint32_t width, std::uint32_t height) {
  images_settings s;
  s.min_pixels = 32;
  image_info image;
  image.width = width;
  image.height = height;
  return judge_image(image, 1, s);
}

TEST(decoration, an_image_below_the_limit_on_either_side_is_too_small) {
  EXPECT_EQ(judge(31, 500), image_verdict::too_small);
  EXPECT_EQ(judge(500, 31), image_verdict::too_small);
  EXPECT_EQ(judge(1, 1), image_verdict::too_small);
  EXPECT_EQ(judge(32, 32), image_verdict::kept);
}

TEST(decoration, an_image_over_20_times_longer_than_wide_is_a_rule) {
  EXPECT_EQ(judge(40, 800), image_verdict::kept) << "exactly 20";
  EXPECT_EQ(judge(40, 840), image_verdict::rule);
  EXPECT_EQ(judge(840, 40), image_verdict::rule);
  EXPECT_EQ(judge(40, 801), image_verdict::rule) << "just over 20";
}

TEST(decoration, an_image_of_unknown_size_is_kept) {
  EXPECT_EQ(judge(0, 0), image_verdict::kept);
  EXPECT_EQ(judge(0, 100), image_verdict::kept);
  EXPECT_EQ(judge(100, 0), image_verdict::kept);
}

TEST(decoration, an_image_that_its_document_repeats_is_letterhead) {
  image_info image;
  image.width = image.height = 400;
  EXPECT_EQ(judge_image(image, max_occurrences, {}), image_verdict::kept);
  EXPECT_EQ(judge_image(image, max_occurrences + 1, {}), image_verdict::repeated);
}

TEST(decoration, verdicts_have_names) {
  EXPECT_EQ(to_string(image_verdict::kept), "kept");
  EXPECT_EQ(to_string(image_verdict::too_small), "too_small");
  EXPECT_EQ(to_string(image_verdict::rule), "rule");
}

}  // namespace
}  // namespace millrace
