#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/html_tree.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string page(const std::string& body) {
  return "<!DOCTYPE html><html><body>" + body + "</body></html>";
}

TEST(html, only_content_is_read) {
  EXPECT_THAT(
      lines_of(parse(page(
          "<nav>Home</nav><script>x</script><style>y</style><p hidden>z</p>"
          "<p style='Display: None'>w</p><button>Buy</button><p>Text.</p><footer>(c)</footer>"))),
      ElementsAre("paragraph: Text."));
}

TEST(html, main_is_the_content_where_it_has_any) {
  const std::string prose(300, 'a');
  EXPECT_THAT(
      lines_of(parse(page("<div>Banner</div><main><p>" + prose + "</p></main><div>Related</div>"))),
      ElementsAre("paragraph: " + prose));
  EXPECT_THAT(lines_of(parse(page("<div>Banner</div><main></main>"))),
              ElementsAre("paragraph: Banner"));
}

TEST(html, white_space_is_collapsed_and_breaks_are_kept) {
  EXPECT_THAT(lines_of(parse(page("<p>a\n   <b>b</b>c &nbsp;d<br>\n e</p>one<br><br>two"))),
              ElementsAre("paragraph: a bc  d\ne", "paragraph: one", "paragraph: two"));
}

TEST(html, spans_of_cells_are_kept_in_step) {
  EXPECT_THAT(
      lines_of(parse(page(
          "<table><tr><th>a<th>b<th>c<tr><td rowspan=2>1<td colspan=2>2<tr><td>3<td>4</table>"))),
      ElementsAre("table: | a | b | c |\n| --- | --- | --- |\n| 1 | 2 | |\n| 1 | 3 | 4 |"));
}

TEST(html, absurd_spans_are_cut) {
  const auto lines = lines_of(
      parse(page("<table><tr><td colspan=999999999>x<td rowspan=-5>y<tr><td>z<td>w</table>")));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_LT(lines[0].size(), 100U);
}

TEST(html, spans_in_every_row_do_not_multiply) {
  const auto row = "<tr><td rowspan=60000 colspan=1000>y</td></tr>";
  const auto document =
      parse(page("<table><tr><td>a<td>b</tr>" + repeated(row, 2000) + "</table>"));
  ASSERT_EQ(document.elements.size(), 1U);
  EXPECT_LT(document.elements[0].text.size(), 2U << 20);
}

TEST(html, a_table_around_tables_is_layout) {
  EXPECT_THAT(lines_of(parse(page("<table><tr><td>left<td><table><tr><td>a<td>b</table></table>"))),
              ElementsAre("paragraph: left", "table: | a | b |\n| --- | --- |"));
}

TEST(html, embedded_images_are_described) {
  const auto document =
      parse(page("<img alt='A dot' "
                 "src='data:image/gif;base64,R0lGODlhAgADAIAAAP///wAAACwAAAAAAgADAAACAoRVADs='>"));
  ASSERT_EQ(document.elements.size(), 1U);
  const auto& image = document.elements[0].image;
  EXPECT_EQ(document.elements[0].text, "A dot");
  EXPECT_EQ(image.mime, "image/gif");
  EXPECT_EQ(image.width, 2U);
  EXPECT_EQ(image.height, 3U);
  EXPECT_EQ(image.sha256.size(), 64U);
}

TEST(html, an_embedded_image_is_found_again) {
  const std::string url = "data:image/gif;base64,R0lGODlhAgADAIAAAP///wAAACwAAAAAAgADAAACAoRVADs=";
  for (const auto& quote : {"'", "\"", ""}) {
    const auto bytes = page("<p>data: none</p><img src='data:,x'><img src=" + std::string{quote} +
                            url + quote + " alt=x>");
    const auto document = parse(bytes);
    const auto& image = document.elements.back().image;
    const auto loaded = load_image(bytes, image.source, {});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->size(), image.size);
    EXPECT_FALSE(load_image(bytes, "data:0", {}));
  }
}

TEST(html, without_images_none_is_looked_for) {
  parse_limits limits;
  limits.images = false;
  const auto document = parse_document(page("<p>a</p><img src=x alt=b>"), limits, {});
  ASSERT_TRUE(document);
  EXPECT_THAT(lines_of(*document), ElementsAre("paragraph: a"));
}

TEST(html, ordered_lists_keep_their_numbers) {
  EXPECT_THAT(lines_of(parse(page("<ol start=4><li>a<ul><li>b</ul><li value=9>c<li>d</ol>"
                                  "<ol type=a><li>e</ol>"))),
              ElementsAre("list_item1: 4. a", "list_item2: b", "list_item1: 9. c",
                          "list_item1: 10. d", "list_item1: e"));
}

TEST(html, a_menu_is_read_only_where_a_page_has_nothing_else) {
  const std::string menu = "<ul role=menu><li>Home</ul>";
  EXPECT_THAT(lines_of(parse(page(menu))), ElementsAre("list_item1: Home"));
  const std::string prose(300, 'a');
  EXPECT_THAT(lines_of(parse(page(menu + "<p>" + prose))), ElementsAre("paragraph: " + prose));
}

TEST(html, links_that_lead_out_are_kept) {
  const auto document =
      parse(page("<a href='https://example.org/a'>a</a><a href='/b'>b</a><a href='#c'>c</a>"));
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/a");
}

TEST(html, the_head_tells_properties) {
  const auto document = parse(
      "<html><head><meta name='Author' content='Ann Miller'><meta charset='utf-8'>"
      "<meta name='viewport' content='x'></head><body>text</body></html>");
  EXPECT_THAT(document.properties,
              ElementsAre(std::pair<std::string, std::string>{"author", "Ann Miller"}));
}

TEST(html, an_empty_tag_of_xhtml_swallows_nothing) {
  EXPECT_THAT(lines_of(parse("<?xml version='1.0'?><html><head><title/></head><body><p>text</p>"
                             "</body></html>")),
              ElementsAre("paragraph: text"));
}

TEST(html, text_below_the_depth_limit_is_kept) {
  EXPECT_THAT(lines_of(parse(page(repeated("<div>", 2000) + "<p>deep <i>down</i></p>"))),
              ElementsAre("paragraph: deep down"));
}

TEST(html, nesting_that_takes_too_long_is_refused) {
  const auto problem = parse_error(page(repeated("<div>", 200'000)));
  EXPECT_EQ(problem.code, ec::limit_exceeded);
  EXPECT_THAT(problem.message, HasSubstr("nests"));
}

TEST(html, elements_that_are_never_closed_do_not_count_as_nesting) {
  EXPECT_EQ(parse(page("<ul>" + repeated("<li>x<p>y", 10'000) + "</ul>")).elements.size(), 20'000U);
}

TEST(html, a_tree_that_outgrows_its_budget_is_refused) {
  // Each paragraph reopens every unclosed <font>, so that the tree grows with their product.
  std::string bomb;
  for (int i = 0; i < 4000; ++i) bomb += "<font size=" + std::to_string(i) + ">";
  const auto problem = parse_error(page("<p>" + bomb + "</p>" + repeated("<p>x</p>", 20'000)));
  EXPECT_EQ(problem.code, ec::limit_exceeded);
}

}  // namespace
}  // namespace millrace::parsers
