#include "runtime/parsers/text_tools.hpp"

#include <gtest/gtest.h>

namespace millrace::parsers {
namespace {

TEST(text_tools, trims_unicode_spaces_and_byte_order_marks) {
  EXPECT_EQ(trim("\uFEFF\u00A0 \t text \u3000\n"), "text");
  EXPECT_EQ(trim("\u2003\u200B"), "");
  EXPECT_EQ(trim("é"), "é");
}

TEST(text_tools, takes_lines_with_every_kind_of_end) {
  std::string_view rest = "a\nb\r\nc\rd";
  EXPECT_EQ(take_line(rest), "a");
  EXPECT_EQ(take_line(rest), "b");
  EXPECT_EQ(take_line(rest), "c");
  EXPECT_EQ(take_line(rest), "d");
  EXPECT_TRUE(rest.empty());
}

TEST(text_tools, a_prefix_never_cuts_a_character) {
  EXPECT_EQ(utf8_prefix("aé", 2), "a");
  EXPECT_EQ(utf8_prefix("aé", 3), "aé");
}

TEST(text_tools, reads_first_and_last_code_points) {
  EXPECT_EQ(first_code_point("€uro"), 0x20ACU);
  EXPECT_EQ(last_code_point("so 😀"), 0x1F600U);
  std::string text;
  append_code_point(text, 0x1F600);
  EXPECT_EQ(text, "😀");
}

TEST(text_tools, lines_of_chinese_are_joined_without_a_space) {
  std::string paragraph = "水車";
  append_line(paragraph, "小屋");
  EXPECT_EQ(paragraph, "水車小屋");
  append_line(paragraph, "mill");
  EXPECT_EQ(paragraph, "水車小屋 mill");
}

TEST(text_tools, knows_bullets_of_symbol_fonts) {
  EXPECT_EQ(bullet_length("- item"), 2U);
  EXPECT_EQ(bullet_length("\uF0B7 item"), 4U);
  EXPECT_EQ(bullet_length("-5 degrees"), 0U);
}

TEST(text_tools, a_numbered_title_is_a_heading_and_a_numbered_sentence_is_not) {
  EXPECT_EQ(numbered_heading_level("2 The wheel"), 1);
  EXPECT_EQ(numbered_heading_level("2.3.1 Floats and buckets"), 3);
  EXPECT_EQ(numbered_heading_level("1931 The mill stops"), 0);
  EXPECT_EQ(numbered_heading_level("2. The wheel was then taken out."), 0);
}

}  // namespace
}  // namespace millrace::parsers
