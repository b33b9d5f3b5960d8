#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/pdf_direction.hpp"
#include "runtime/parsers/pdf_file.hpp"
#include "runtime/parsers/pdf_paragraphs.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;

std::vector<std::string> paragraphs_of(std::string_view page, const outline_titles& outline = {}) {
  const parse_limits limits;
  document_builder builder{limits};
  add_pdf_page(page, {}, outline, builder);
  return lines_of(std::move(builder).take());
}

TEST(pdf, pages_are_numbered_and_reported) {
  const auto bytes = read_sample("canal-locks.pdf");
  std::vector<std::uint32_t> progress;
  const auto document =
      parse_document(bytes, {}, [&](const parse_progress& p) { progress.push_back(p.pages); });
  ASSERT_TRUE(document);
  EXPECT_EQ(document->pages, 3U);
  EXPECT_EQ(document->title, "How a canal lock works");
  EXPECT_THAT(progress, ElementsAre(1, 2, 3));
  EXPECT_EQ(document->elements.front().page, 1U);
  EXPECT_EQ(document->elements.back().page, 3U);
}

TEST(pdf, begins_behind_the_pages_that_are_known) {
  const auto bytes = read_sample("canal-locks.pdf");
  const auto whole = parse(bytes);
  parse_limits limits;
  limits.known_pages = 2;
  std::vector<std::uint32_t> progress;
  const auto rest = parse_document(bytes, limits, [&](const parse_progress& p) {
    EXPECT_EQ(p.skipped_pages, 2U);
    progress.push_back(p.pages);
  });
  ASSERT_TRUE(rest);
  EXPECT_THAT(progress, ElementsAre(2, 3)) << "first what is skipped, then each page";
  EXPECT_EQ(rest->skipped_pages, 2U);
  EXPECT_EQ(rest->pages, 3U);
  std::vector<std::string> expected;
  for (const auto& e : whole.elements)
    if (e.page == 3) expected.push_back(e.text);
  std::vector<std::string> found;
  for (const auto& e : rest->elements) found.push_back(e.text);
  EXPECT_EQ(found, expected);
  limits.known_pages = 3;
  EXPECT_EQ(parse_document(bytes, limits, {})->skipped_pages, 0U) << "it was another document";
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

TEST(pdf, a_page_that_is_one_image_is_an_image_of_the_page) {
  const auto document = parse(read_sample("scanned-page.pdf"));
  ASSERT_EQ(document.elements.size(), 1U);
  const auto& scan = document.elements[0];
  EXPECT_EQ(scan.kind, element_kind::image);
  EXPECT_EQ(scan.page, 1U);
  EXPECT_EQ(scan.image.source, "page:1");
  EXPECT_EQ(scan.image.mime, "image/x-portable-graymap");
  EXPECT_EQ(scan.image.width, 2479U);  // 300 dpi.
  EXPECT_EQ(scan.image.sha256.size(), 64U);
}

TEST(pdf, no_image_work_where_images_are_not_wanted) {
  parse_limits limits;
  limits.images = false;
  for (const auto* name : {"scanned-page.pdf", "illustrated.pdf"}) {
    const auto document = parse_document(read_sample(name), limits, {});
    ASSERT_TRUE(document);
    EXPECT_TRUE(std::none_of(document->elements.begin(), document->elements.end(),
                             [](const auto& e) { return e.kind == element_kind::image; }));
  }
}

TEST(pdf, a_figure_stands_between_the_paragraphs_around_it) {
  const auto document = parse(read_sample("illustrated.pdf"));
  const auto lines = lines_of(document);
  ASSERT_GE(lines.size(), 4U);
  EXPECT_TRUE(lines[1].starts_with("paragraph: The sign on the door"));
  EXPECT_EQ(lines[2], "image: ");
  EXPECT_TRUE(lines[3].starts_with("paragraph: Visitors read it"));
  EXPECT_EQ(document.elements[2].image.width, 960U);
  EXPECT_EQ(document.elements[2].image.source, "region:1:72:202:372:322:194");
}

TEST(pdf, small_and_repeated_images_come_once_or_never) {
  const auto document = parse(read_sample("illustrated.pdf"));
  EXPECT_EQ(std::count_if(document.elements.begin(), document.elements.end(),
                          [](const auto& e) { return e.kind == element_kind::image; }),
            2);  // The crest of both pages and the sign.
}

TEST(pdf, an_image_is_rendered_where_it_stands) {
  const auto bytes = read_sample("illustrated.pdf");
  const auto figure = load_image(bytes, "region:1:72:202:372:322:194", {});
  ASSERT_TRUE(figure) << figure.error().message;
  EXPECT_TRUE(figure->starts_with("P6\n808 323\n255\n"));
  EXPECT_NE(figure->find(std::string(3, '\x14')), std::string::npos);  // The sign's ink.
  const auto page = load_image(bytes, "page:2", {});
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_TRUE(page->starts_with("P5\n2479 3508\n255\n"));
}

TEST(pdf, a_source_that_no_page_has_is_refused) {
  const auto bytes = read_sample("illustrated.pdf");
  for (const auto* source :
       {"", "page:", "page:0", "page:3", "page:1:2", "page:-1", "page:99999999999", "region:1",
        "region:1:72:202:72:322:194", "region:1:0:0:10:10:0", "attachment:0/whole",
        "attachment:9/whole", "attachment:0", "word/media/a.png"}) {
    const auto image = load_image(bytes, source, {});
    ASSERT_FALSE(image) << source;
    EXPECT_EQ(image.error().code, ec::malformed_document) << source;
  }
}

TEST(pdf, properties_and_links_are_kept) {
  const auto document = parse(read_sample("illustrated.pdf"));
  using property = std::pair<std::string, std::string>;
  EXPECT_THAT(document.properties,
              ElementsAre(property{"author", "Ada Miller"}, property{"subject", "Signs"},
                          property{"keywords", "mill, sign"},
                          property{"created", "2024-05-04T10:15:00+02:00"}));
  ASSERT_EQ(document.links.size(), 2U);
  EXPECT_EQ(document.links[0].target, "https://example.org/mill");
  EXPECT_EQ(document.links[0].page, 1U);
  EXPECT_EQ(document.links[1].target, "mailto:miller@example.org");
  EXPECT_EQ(document.links[1].page, 2U);
}

TEST(pdf, an_embedded_file_is_read_after_the_pages) {
  const auto lines = lines_of(parse(read_sample("illustrated.pdf")));
  ASSERT_GE(lines.size(), 2U);
  EXPECT_EQ(lines[lines.size() - 2], "heading1: hours.txt");
  EXPECT_EQ(lines.back(), "paragraph: Open from ten to four, but on Mondays.");
}

TEST(pdf, what_is_left_of_a_file_that_was_cut_off_is_read) {
  const auto document = parse(read_sample("cut-off.pdf"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(document.warning.message, testing::HasSubstr("cut off"));
  EXPECT_THAT(lines_of(document).front(), testing::HasSubstr("Why a canal needs locks"));
}

/// Empty pages without a table of objects: poppler finds them by their headers.
std::string pdf_of_empty_pages(std::uint32_t count) {
  std::string kids;
  std::string pages;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto number = std::to_string(i + 3);
    kids += number + " 0 R ";
    pages += number + " 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>\nendobj\n";
  }
  return "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages "
         "/Count " +
         std::to_string(count) + " /Kids [" + kids + "] >>\nendobj\n" + pages +
         "trailer\n<< /Root 1 0 R >>\n%%EOF\n";
}

TEST(pdf, pages_beyond_the_limit_are_left_out) {
  const auto bytes = pdf_of_empty_pages(max_pdf_pages + 1);
  const auto document = parse(bytes);
  EXPECT_EQ(document.pages, max_pdf_pages);
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(document.warning.message, testing::HasSubstr("20001 pages"));
}

TEST(pdf, a_whole_file_has_no_warning) {
  for (const auto* name : {"canal-locks.pdf", "illustrated.pdf", "scanned-page.pdf"})
    EXPECT_EQ(parse(read_sample(name)).warning.code, ec::none) << name;
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

TEST(pdf, an_image_ends_the_paragraph_before_it) {
  const parse_limits limits;
  document_builder builder{limits};
  image_info info;
  info.sha256 = "ab";
  const std::string text = "The text above it\n\nand the text below.\n";
  add_pdf_page(text, {{text.find("and"), info}}, {}, builder);
  EXPECT_THAT(
      lines_of(std::move(builder).take()),
      ElementsAre("paragraph: The text above it", "image: ", "paragraph: and the text below."));
}

TEST(pdf, marks_of_writing_direction_are_removed) {
  EXPECT_THAT(paragraphs_of("\u202Bשלום\u202C \u2066mill\u2069"),
              ElementsAre("paragraph: שלום mill"));
}

TEST(pdf, a_left_to_right_word_keeps_its_spaces_in_a_right_to_left_line) {
  EXPECT_EQ(without_direction_marks("\u202Bשלום\u202A mill\u202Cטוב\u202C"), "שלום mill טוב");
  EXPECT_EQ(without_direction_marks("\u202Bשלום \u202A R\u202Cו\u202C"), "שלום R ו");
  EXPECT_EQ(without_direction_marks("\u202Bשלום\u202A .\u202Cטוב\u202C"), "שלום. טוב");
  EXPECT_EQ(without_direction_marks("mill \u2066x\u2069"), "mill x");
  EXPECT_EQ(without_direction_marks("\u202B"), "");
}

}  // namespace
}  // namespace millrace::parsers
