#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;

TEST(markdown, reads_structure_and_drops_marks) {
  EXPECT_THAT(lines_of(parse(
                  "# Mills\n\nThey **grind** [grain](x) and ~~bark~~ &amp; `oak`.\n\n## Kinds\n\n"
                  "- water\n  - breastshot\n- wind\n\n1. one\n2. two\n")),
              ElementsAre("heading1: Mills", "paragraph: They grind grain and bark & oak.",
                          "heading2: Kinds", "list_item1: water", "list_item2: breastshot",
                          "list_item1: wind", "list_item1: one", "list_item1: two"));
}

TEST(markdown, text_before_a_block_in_a_tight_item_is_kept) {
  EXPECT_THAT(
      lines_of(parse("# Steps\n\n- run this\n  ```\n  make\n  ```\n- done\n")),
      ElementsAre("heading1: Steps", "list_item1: run this", "code: make", "list_item1: done"));
}

TEST(markdown, tables_stay_tables) {
  EXPECT_THAT(lines_of(parse("| a | b |\n|---|:-:|\n| 1 | x \\| y |\n| 2 |\n")),
              ElementsAre("table: | a | b |\n| --- | --- |\n| 1 | x \\| y |\n| 2 | |"));
}

TEST(markdown, front_matter_is_a_property) {
  const auto document = parse("---\ntitle: 'On mills'\ntags: [a, b]\n---\n\n# One\n\nText.\n");
  EXPECT_EQ(document.title, "On mills");
  EXPECT_THAT(lines_of(document), ElementsAre("heading1: One", "paragraph: Text."));
}

TEST(markdown, html_inside_is_read_as_html) {
  EXPECT_THAT(
      lines_of(parse("# One\n\n<div><script>no()</script><h2>Two</h2>three</div>\n\nfour<br>five "
                     "<b>six</b>\n")),
      ElementsAre("heading1: One", "heading2: Two", "paragraph: three",
                  "paragraph: four\nfive six"));
}

TEST(markdown, images_keep_their_text) {
  EXPECT_THAT(lines_of(parse("# One\n\nSee ![the *old* wheel](wheel.png) here.\n")),
              ElementsAre("heading1: One", "paragraph: See  here.", "image: the old wheel"));
}

TEST(markdown, targets_of_links_are_kept_but_not_those_in_the_page) {
  const auto document = parse(
      "# Mills\n\nSee [there](https://example.org/a), [below](#end), https://example.org/b\n");
  ASSERT_EQ(document.links.size(), 2U);
  EXPECT_EQ(document.links[0].target, "https://example.org/a");
  EXPECT_EQ(document.links[1].target, "https://example.org/b");
}

/// Found by the fuzzer: such a target is md4c's own copy, gone when the image ends.
TEST(markdown, an_images_target_with_entities_is_kept_until_the_image_ends) {
  const auto document =
      parse("# Signs\n\n![the sign](data:image/png;base64,&amp;AAAA \"at the gate\") and more\n");
  const auto lines = lines_of(document);
  EXPECT_NE(std::find(lines.begin(), lines.end(), "image: the sign"), lines.end());
}

}  // namespace
}  // namespace millrace::parsers
