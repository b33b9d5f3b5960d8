#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;

TEST(plain_text, wrapped_lines_are_joined) {
  EXPECT_THAT(lines_of(parse("The water comes down the race and strikes the\n"
                             "floats of the wheel, and the wheel turns the\n"
                             "stones.\n\nNext paragraph.\n")),
              ElementsAre("paragraph: The water comes down the race and strikes the floats of the "
                          "wheel, and the wheel "
                          "turns the stones.",
                          "paragraph: Next paragraph."));
}

TEST(plain_text, lines_ended_on_purpose_are_kept) {
  EXPECT_THAT(
      lines_of(parse(
          "12:00 sluice opened by the keeper on duty today\n12:05 ok\n12:10 sluice closed\n")),
      ElementsAre("paragraph: 12:00 sluice opened by the keeper on duty today\n12:05 ok\n12:10 "
                  "sluice closed"));
}

TEST(plain_text, clear_headings_are_headings) {
  EXPECT_THAT(
      lines_of(parse(
          "THE OLD MILL\n\nText.\n\n1.2 The wheel pit\n\nMore.\n\nSluices\n=======\n\nEnd.\n")),
      ElementsAre("heading1: THE OLD MILL", "paragraph: Text.", "heading2: 1.2 The wheel pit",
                  "paragraph: More.", "heading1: Sluices", "paragraph: End."));
}

TEST(plain_text, capitals_in_a_sentence_are_no_heading) {
  EXPECT_THAT(lines_of(parse("STOP.\n\nThe USA and the UK\n")),
              ElementsAre("paragraph: STOP.", "paragraph: The USA and the UK"));
}

TEST(plain_text, marked_lines_are_list_items) {
  EXPECT_THAT(
      lines_of(parse("Tools:\n\n- a mill bill\n- a proof\n  staff\n")),
      ElementsAre("paragraph: Tools:", "list_item1: a mill bill", "list_item1: a proof staff"));
}

TEST(plain_text, a_long_log_is_cut_at_line_ends) {
  std::string log;
  for (int i = 0; i < 4000; ++i)
    log += "line " + std::to_string(i) + " of a log without blank lines\n";
  const auto document = parse(log);
  ASSERT_GT(document.elements.size(), 1U);
  std::string joined;
  for (const auto& e : document.elements) {
    EXPECT_LT(e.text.size(), 80U * 1024);
    joined += e.text + "\n";
  }
  EXPECT_EQ(joined, log);
}

}  // namespace
}  // namespace millrace::parsers
