#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/rtf_reader.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::Contains;
using testing::ElementsAre;

std::string rtf(const std::string& body) {
  return "{\\rtf1\\ansi " + body + "}";
}
std::vector<std::string> rtf_lines(const std::string& body) {
  return lines_of(parse(rtf(body)));
}

TEST(rtf, reads_a_whole_letter) {
  const auto bytes = read_sample("letter.rtf");
  const auto document = parse(bytes);
  EXPECT_EQ(document.title, "A letter");
  EXPECT_THAT(document.properties,
              ElementsAre(std::pair<std::string, std::string>{"author", "Ann Miller"},
                          std::pair<std::string, std::string>{"created", "2024-03-25T09:05:00"}));
  EXPECT_THAT(lines_of(document),
              ElementsAre("title1: To the owner", "heading1: The wheel",
                          "paragraph: Dear Sir, the wheel turns again—it cost 40 €, and naïve "
                          "guests pay more. See the bill.",
                          "paragraph: Paid on Lady Day.", "heading2: Costs", "list_item1: oak",
                          "list_item2: sixty floats",
                          "table: | Float | oak |\n| --- | --- |\n| Float | elm and ash |",
                          "paragraph: A picture:", "image: The wheel at work",
                          "paragraph: On the next page we thank you."));
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/bill");
  EXPECT_EQ(document.pages, 2U);
  EXPECT_EQ(document.elements.back().page, 2U);
  const auto& image = document.elements[9].image;
  EXPECT_EQ(image.width, 24U);
  const auto loaded = load_image(bytes, image.source, {});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->size(), image.size);
  EXPECT_FALSE(load_image(bytes, "picture:0", {}));
}

TEST(rtf, without_images_none_is_looked_for) {
  parse_limits limits;
  limits.images = false;
  const auto document = parse_document(read_sample("letter.rtf"), limits, {});
  ASSERT_TRUE(document);
  for (const auto& e : document->elements) EXPECT_NE(e.kind, element_kind::image);
}

TEST(rtf, bytes_are_in_the_charset_of_their_font) {
  EXPECT_THAT(rtf_lines("{\\fonttbl{\\f0\\fcharset204 A;}{\\f1\\fcharset128 B;}}\\f0 \\'e4\\'e0 "
                        "{\\f1\\'93\\'fa\\'96\\'7b}\\par"),
              ElementsAre("paragraph: да 日本"));
  EXPECT_THAT(rtf_lines("\\ansicpg1250 \\'9ci\\par"), ElementsAre("paragraph: śi"));
  EXPECT_THAT(rtf_lines("\\mac \\'8e\\par"), ElementsAre("paragraph: é"));
  EXPECT_THAT(rtf_lines("\\ansicpg99999 \\'e9\\par"), ElementsAre("paragraph: é"));
}

TEST(rtf, unicode_skips_as_many_characters_as_its_fallback_has) {
  EXPECT_THAT(rtf_lines("\\uc1 \\u8364?5\\par"), ElementsAre("paragraph: €5"));
  EXPECT_THAT(rtf_lines("\\uc2 \\u8364\\'80\\'805\\par"), ElementsAre("paragraph: €5"));
  EXPECT_THAT(rtf_lines("\\uc0 \\u8364 5\\par"), ElementsAre("paragraph: €5"));
  EXPECT_THAT(rtf_lines("\\u-10179?\\u-8704?\\par"), ElementsAre("paragraph: 😀"));
  EXPECT_THAT(rtf_lines("a{\\uc0 \\u228}\\u228 \\par b\\par"),
              ElementsAre("paragraph: aää", "paragraph: b"));
  EXPECT_THAT(rtf_lines("x\\u-10179?y\\par"), ElementsAre("paragraph: xy"));
}

TEST(rtf, binary_data_is_passed_over_exactly) {
  EXPECT_THAT(rtf_lines("{\\*\\blob\\bin5 }}{{\\}a\\bin3 \\'{b\\par"),
              ElementsAre("paragraph: ab"));
  EXPECT_THAT(rtf_lines("a\\bin-5 b\\par"), ElementsAre("paragraph: ab"));
  const auto cut = parse("{\\rtf1 a\\par{\\pict\\bin2000000000 x");
  EXPECT_THAT(lines_of(cut), Contains("paragraph: a"));
}

TEST(rtf, unknown_destinations_are_skipped_and_unknown_words_are_not) {
  EXPECT_THAT(rtf_lines("{\\*\\newthing hidden{\\b deep}}\\newword shown{\\newword too}\\par"),
              ElementsAre("paragraph: showntoo"));
}

TEST(rtf, a_style_inherits_its_role) {
  EXPECT_THAT(rtf_lines("{\\stylesheet{ Normal;}{\\s5\\sbasedon6 My;}{\\s6\\sbasedon5 heading 3;}"
                        "{\\s7\\sbasedon8 x;}{\\s8\\sbasedon7 y;}}"
                        "\\pard\\s5 a\\par\\pard\\s7 b\\par\\pard\\s5\\outlinelevel9 c\\par"),
              ElementsAre("heading3: a", "paragraph: b", "paragraph: c"));
}

TEST(rtf, text_boxes_follow_their_paragraph_and_their_copies_are_skipped) {
  EXPECT_THAT(
      rtf_lines("before{\\shp{\\*\\shpinst{\\sp{\\sn a}{\\sv 1}}{\\shptxt boxed\\par}}{\\shprslt "
                "boxed}} after\\par"),
      ElementsAre("paragraph: before after", "paragraph: boxed"));
}

TEST(rtf, links_to_bookmarks_are_none) {
  EXPECT_THAT(
      parse(rtf("{\\field{\\*\\fldinst HYPERLINK \\\\l \"mark\"}{\\fldrslt x}}\\par")).links,
      testing::IsEmpty());
}

TEST(rtf, groups_that_nest_too_deeply_are_refused) {
  EXPECT_EQ(parse_error(rtf(repeated("{", 100'000))).code, ec::limit_exceeded);
  EXPECT_EQ(parse_error(rtf(repeated("{\\footnote ", 100'000))).code, ec::limit_exceeded);
}

TEST(rtf, what_is_left_of_a_cut_file_is_read) {
  const auto document = parse("{\\rtf1 {\\b the first\\par the sec");
  EXPECT_THAT(lines_of(document), ElementsAre("paragraph: the first", "paragraph: the sec"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
}

TEST(rtf, a_brace_too_many_changes_nothing) {
  EXPECT_THAT(rtf_lines("a}}}\\par b\\par"), ElementsAre("paragraph: a", "paragraph: b"));
}

TEST(rtf, a_table_without_its_last_row_end_is_kept) {
  EXPECT_THAT(rtf_lines("\\trowd\\intbl a\\cell b\\cell\\row\\intbl c\\cell d"),
              ElementsAre("table: | a | b |\n| --- | --- |\n| c | d |"));
}

TEST(rtf_reader, a_control_word_ends_with_one_space) {
  rtf_reader reader{"\\b-12  x\\'4\\"};
  const auto word = reader.next();
  EXPECT_EQ(word.text, "b");
  EXPECT_EQ(word.number, -12);
  EXPECT_EQ(reader.next().text, " x");
  EXPECT_EQ(reader.next().byte, '\x04');
  EXPECT_EQ(reader.next().kind, rtf_token::type::symbol);
  EXPECT_EQ(reader.next().kind, rtf_token::type::end);
}

}  // namespace
}  // namespace millrace::parsers
