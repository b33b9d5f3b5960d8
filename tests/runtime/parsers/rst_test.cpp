#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/rst_inline.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

extracted_document read(std::string_view text) {
  const parse_limits limits;
  document_builder out{limits};
  const progress_callback progress;
  parse_restructured_text({.bytes = text, .text = text, .limits = limits, .progress = progress},
                          out);
  return std::move(out).take();
}
std::vector<std::string> rst_lines(std::string_view text) {
  return lines_of(read(text));
}
std::string plain(std::string_view text) {
  return without_rst_markup(text, {{"mill", "Lower Mill"}}, [](std::string_view) {});
}

TEST(rst, the_sample_is_read_block_by_block) {
  const auto document = parse(read_sample("mill-hand.rst"));
  EXPECT_EQ(document.title, "The mill hand");
  EXPECT_THAT(lines_of(document),
              ElementsAre("heading1: The mill hand", "paragraph: Author: Ann Reed",
                          "paragraph: Version: 3", "heading2: Grinding",
                          "paragraph: Set the runner stone with two wedges; the guild says how:",
                          "code: open the sluice\nwait for the wheel",
                          "list_item1: Feed the hopper slowly.", "list_item1: Watch the damsel.",
                          "image: A pair of millstones", "paragraph: The bedstone lies below.",
                          "table: | Grain | Bushels |\n| --- | --- |\n| Wheat | 12 |",
                          "table: | Stone | Price |\n| --- | --- |\n| French | 40 |\n| Peak | 15 |",
                          "code: grind --coarse"));
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/guild");
}

TEST(rst, inline_markup_is_removed) {
  EXPECT_EQ(plain("``a * b`` and *slow* and **fast**"), "a * b and slow and fast");
  EXPECT_EQ(plain("see `the guild <https://x>`__ or :ref:`text <label>` or :func:`~a.b`"),
            "see the guild or text or a.b");
  EXPECT_EQ(plain("2 * 3 * 4, snake_case_name, a\\*b"), "2 * 3 * 4, snake_case_name, a*b");
  EXPECT_EQ(plain("the |mill| of Python_ and [1]_ here"), "the Lower Mill of Python and [1] here");
  EXPECT_EQ(plain("*never closed and ``nor this"), "*never closed and ``nor this");
}

TEST(rst, levels_of_sections_come_in_the_order_of_their_marks) {
  EXPECT_THAT(
      rst_lines("=====\nTitle\n=====\n\nPart\n----\n\nPiece\n~~~~~\n\nNext\n----\n"),
      ElementsAre("heading1: Title", "heading2: Part", "heading3: Piece", "heading2: Next"));
}

TEST(rst, lists_nest_and_are_numbered) {
  EXPECT_THAT(rst_lines("1. One\n\n   More of one.\n\n   - Inner\n\n2. Two\n   goes on\n"),
              ElementsAre("list_item1: One", "paragraph: More of one.", "list_item2: Inner",
                          "list_item1: Two goes on"));
}

TEST(rst, directives_say_what_they_hold_or_nothing) {
  EXPECT_THAT(
      rst_lines(
          ".. warning:: Mind the wheel.\n\n   It is wet.\n\n"
          ".. toctree::\n   :maxdepth: 2\n\n   one\n   two\n\n"
          ".. include:: /etc/passwd\n\n.. _label:\n\n.. A comment\n   that goes on\n\nEnd.\n"),
      ElementsAre("paragraph: Mind the wheel.", "paragraph: It is wet.", "paragraph: End."));
  EXPECT_THAT(
      rst_lines(".. list-table:: Prices\n   :header-rows: 1\n\n   * - Grain\n     - Price\n"
                "   * - Rye\n     - 9\n"),
      ElementsAre("paragraph: Prices", "table: | Grain | Price |\n| --- | --- |\n| Rye | 9 |"));
  EXPECT_THAT(rst_lines(".. csv-table::\n   :header: a, b\n\n   1, \"2, 3\"\n"),
              ElementsAre("table: | a | b |\n| --- | --- |\n| 1 | 2, 3 |"));
}

TEST(rst, definitions_quotes_and_verse_keep_their_words) {
  EXPECT_THAT(rst_lines("leat\n   A ditch.\n\n   A quote.\n\n| One line\n| another\n"),
              ElementsAre("paragraph: leat", "paragraph: A ditch.", "paragraph: A quote.",
                          "paragraph: One line\nanother"));
}

TEST(rst, a_cell_may_span_columns_and_rows) {
  EXPECT_THAT(rst_lines("+-----+-----+-----+\n| A   | B   | C   |\n+=====+=====+=====+\n"
                        "| wide      | x   |\n+-----+-----+-----+\n| Müh | le  | y   |\n"
                        "|     +-----+-----+\n|     | z   | q   |\n+-----+-----+-----+\n")
                  .at(0),
              HasSubstr("| wide | | x |\n| Müh | le | y |\n| | z | q |"));
}

TEST(rst, nesting_exhausts_no_stack) {
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "- x\n";
  EXPECT_FALSE(read(deep).elements.empty());
  std::string markers;
  for (int i = 0; i < 100'000; ++i) markers += "- ";
  EXPECT_FALSE(read(markers + "end").elements.empty());
}

}  // namespace
}  // namespace millrace::parsers
