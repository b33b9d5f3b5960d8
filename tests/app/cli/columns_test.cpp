// Text that must fit a terminal, whatever script it is in and whatever it tries.
#include "app/cli/columns.hpp"

#include <random>

#include <gtest/gtest.h>

#include "runtime/core/utf8.hpp"

namespace millrace::cli {
namespace {

TEST(columns, count_what_a_terminal_shows) {
  EXPECT_EQ(columns_of(""), 0U);
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("Größe"), 5U);
  EXPECT_EQ(columns_of("文書"), 4U) << "wide";
  EXPECT_EQ(columns_of("e\u0301"), 1U) << "a combining accent";
  EXPECT_EQ(columns_of("\U0001F4C4"), 2U) << "an emoji";
}

TEST(columns, text_that_fits_stays_as_it_is) {
  EXPECT_EQ(fit_begin("abc", 3), "abc");
  EXPECT_EQ(fit_end("abc", 3), "abc");
  EXPECT_EQ(fit_begin("文書", 4), "文書");
  EXPECT_EQ(fit_end("文書", 4), "文書");
}

TEST(columns, text_that_is_cut_says_so_on_the_side_where_it_is) {
  EXPECT_EQ(fit_begin("abcdef", 4), "abc…");
  EXPECT_EQ(fit_end("abcdef", 4), "…def");
  EXPECT_EQ(fit_begin("文書文書", 4), "文…") << "half of a wide character is none";
  EXPECT_EQ(fit_end("文書文書", 4), "…書");
  EXPECT_EQ(fit_begin("abc", 1), "…");
  EXPECT_EQ(fit_begin("abc", 0), "");
}

TEST(columns, a_file_name_cannot_steer_the_terminal) {
  EXPECT_EQ(fit_begin("a\033[2Jb\r\n\x7f", 20), "a?[2Jb???");
  EXPECT_EQ(fit_begin("a\u009b2Jb", 20), "a?2Jb") << "the 8-bit CSI";
  EXPECT_EQ(columns_of("\033"), 1U) << "as it is shown";
}

TEST(columns, any_bytes_become_valid_text_that_fits) {
  std::mt19937 random{7};
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (auto& b : bytes) b = static_cast<char>(random());
    const std::size_t width = random() % 20;
    for (const auto& cut : {fit_begin(bytes, width), fit_end(bytes, width)}) {
      EXPECT_TRUE(is_clean_utf8(cut)) << "round " << round;
      EXPECT_LE(columns_of(cut), width) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace millrace::cli
