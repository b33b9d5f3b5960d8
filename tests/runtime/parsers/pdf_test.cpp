#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/pdf_paragraphs.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;

std::vector<std::string> paragraphs_of(std::string_view page, const outline_titles& outline = {}) {
  const parse_limits limits;
  document_builder builder{limits};
  add_pdf_page(page, outline, builder);
  return lines_of(std::move(builder).take());
}

TEST(pdf, pages_are_numbered_and_reported) {
  const auto bytes = read_sample("canal-locks.pdf");
  std::vector<std::uint32_t> progress;
  const auto document =
      parse_document(bytes, {}, [&](std::uint32_t done) { progress.push_back(done); });
  ASSERT_TRUE(document);
  EXPECT_EQ(document->pages, 3U);
  EXPECT_EQ(document->title, "How a canal lock works");
  EXPECT_THAT(progress, ElementsAre(1, 2, 3));
  EXPECT_EQ(document->elements.front().page, 1U);
  EXPECT_EQ(document->elements.back().page, 3U);
}

TEST(pdf, titles_of_the_outline_are_headings) {
  const auto lines = lines_of(parse(read_sample("canal-locks.pdf")));
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const auto& l) { return l.starts_with("heading1: "); }),
            3);
  EXPECT_EQ(lines.front(), "heading1: Why a canal needs locks");
}

TEST(pdf, columns_are_read_one_after_the_other) {
  const auto lines = lines_of(parse(read_sample("beekeeping-two-columns.pdf")));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(lines[1].starts_with("paragraph: In February the queen") &&
              lines[1].ends_with("chilled brood dies."));
  EXPECT_TRUE(lines[2].starts_with("paragraph: In June the hive is full"));
}

TEST(pdf, a_page_without_text_gives_no_elements) {
  const auto document = parse(read_sample("scanned-page.pdf"));
  EXPECT_EQ(document.pages, 1U);
  EXPECT_TRUE(document.elements.empty());
}

TEST(pdf, a_short_last_line_ends_a_paragraph) {
  EXPECT_THAT(
      paragraphs_of("The first paragraph runs over two lines of\nthe page and ends.\n"
                    "The second starts on a line of its own and\nends here too.\n"),
      ElementsAre("paragraph: The first paragraph runs over two lines of the page and ends.",
                  "paragraph: The second starts on a line of its own and ends here too."));
}

TEST(pdf, a_sentence_goes_on_in_the_next_column) {
  EXPECT_THAT(paragraphs_of("This column stops in the middle of a sentence\n\nand the next column "
                            "goes on with it.\n"),
              ElementsAre("paragraph: This column stops in the middle of a sentence and the next "
                          "column goes on with it."));
}

TEST(pdf, a_section_number_finds_its_title) {
  EXPECT_THAT(
      paragraphs_of(
          "3.1\n\nThe wheel\n\nIt turns slowly through the whole of the night.\n\n7\n\noak\n"),
      ElementsAre("heading2: 3.1 The wheel",
                  "paragraph: It turns slowly through the whole of the night.", "paragraph: 7",
                  "paragraph: oak"));
}

TEST(pdf, a_table_of_contents_is_no_row_of_headings) {
  const outline_titles outline{{"Water", 1}, {"Wind", 1}, {"Steam", 1}, {"Tides", 1}};
  EXPECT_THAT(
      paragraphs_of("Water\nWind\nSteam\nTides\n", outline),
      ElementsAre("paragraph: Water", "paragraph: Wind", "paragraph: Steam", "paragraph: Tides"));
  EXPECT_THAT(paragraphs_of("Wind\nIt blows.\n", outline),
              ElementsAre("heading1: Wind", "paragraph: It blows."));
}

TEST(pdf, bullets_and_numbers_start_items) {
  EXPECT_THAT(
      paragraphs_of("• grain of wheat\n• grain of rye\nand barley\n1. clean it\n2. grind it\n"),
      ElementsAre("list_item1: grain of wheat", "list_item1: grain of rye and barley",
                  "list_item1: 1. clean it", "list_item1: 2. grind it"));
}

TEST(pdf, marks_of_writing_direction_are_removed) {
  EXPECT_THAT(paragraphs_of("\u202Bשלום\u202C \u2066mill\u2069"),
              ElementsAre("paragraph: שלום mill"));
}

}  // namespace
}  // namespace millrace::parsers
