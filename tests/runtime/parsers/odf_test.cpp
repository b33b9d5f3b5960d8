#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/odf_table.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string content_of(const std::string& kind, const std::string& body,
                       const std::string& styles = "") {
  return "<office:document-content><office:automatic-styles>" + styles +
         "</office:automatic-styles><office:body><office:" + kind + ">" + body +
         "</office:" + kind + "></office:body></office:document-content>";
}
std::string odf(const std::string& kind, const std::string& content, zip_parts more = {}) {
  more.insert(more.begin(), {{"mimetype", "application/vnd.oasis.opendocument." + kind},
                             {"content.xml", content}});
  return make_zip(more);
}
std::string text(const std::string& body, const std::string& styles = "") {
  return odf("text", content_of("text", body, styles));
}
std::string sheet(const std::string& rows) {
  return odf("spreadsheet",
             content_of("spreadsheet", "<table:table table:name='S'>" + rows + "</table:table>"));
}
std::string cell(const std::string& inside) {
  return "<table:table-cell><text:p>" + inside + "</text:p></table:table-cell>";
}
TEST(odf, reads_a_whole_text) {
  const auto bytes = read_sample("letter.odt");
  const auto document = parse(bytes);
  EXPECT_EQ(document.title, "To the Guild");
  EXPECT_THAT(document.properties,
              Contains(std::pair<std::string, std::string>{"author", "Ann Miller"}));
  EXPECT_THAT(document.properties,
              Contains(std::pair<std::string, std::string>{"keywords", "mill, wheel"}));
  EXPECT_THAT(
      lines_of(document),
      ElementsAre("title1: To the Guild of Millwrights", "heading1: The wheel",
                  "paragraph: The wheel of the Lower Mill has lost eleven of its floats, and the "
                  "rest are soft. We therefore ask for sixty oak floats, as in your list.",
                  "paragraph: Counted on Lady Day by the miller.", "heading2: What else is wanted",
                  "list_item1: iron", "list_item2: sixty nails", "list_item1: tallow",
                  "table: | Part | Wood | Count |\n| --- | --- | --- |\n| Float | oak | 60 |\n"
                  "| Float | elm | 4 |",
                  "paragraph: A drawing is enclosed.", "image: The wheel from the lee side",
                  "paragraph: On the second page we thank you.", "paragraph: Seal of the mill"));
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/floats");
  EXPECT_EQ(document.pages, 2U);
  EXPECT_EQ(document.elements[10].page, 1U);
  EXPECT_EQ(document.elements[11].page, 2U);
  const auto image = load_image(bytes, document.elements[10].image.source, {});
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->size(), document.elements[10].image.size);
}

TEST(odf, without_images_none_is_looked_for) {
  parse_limits limits;
  limits.images = false;
  const auto document = parse_document(read_sample("letter.odt"), limits, {});
  ASSERT_TRUE(document);
  for (const auto& e : document->elements) EXPECT_NE(e.kind, element_kind::image);
}

TEST(odf, slides_begin_with_their_titles_and_end_with_their_notes) {
  std::vector<std::uint32_t> progress;
  const auto document = parse_document(
      read_sample("slides.odp"), {}, [&](const parse_progress& p) { progress.push_back(p.pages); });
  ASSERT_TRUE(document);
  EXPECT_THAT(
      lines_of(*document),
      ElementsAre("heading1: Eels of the upper weir", "paragraph: A talk in two slides",
                  "heading1: The pass", "list_item1: a trough of gravel", "list_item2: kept wet",
                  "paragraph: Flow from the left", "paragraph: Eels by month",
                  "table: | May | 310 |\n| --- | --- |\n| June | 275 |",
                  "paragraph: Say why the eel pass stays open at night."));
  EXPECT_EQ(document->elements[1].page, 1U);
  EXPECT_EQ(document->elements[8].page, 2U);
  EXPECT_EQ(document->pages, 2U);
  EXPECT_THAT(progress, ElementsAre(1U, 2U));
}

TEST(odf, page_breaks_of_styles_do_not_count_slides) {
  const auto document = parse(
      odf("presentation",
          content_of("presentation",
                     "<draw:page><draw:frame><draw:text-box><text:p text:style-name='B'>a</text:p>"
                     "</draw:text-box></draw:frame></draw:page>",
                     "<style:style style:name='B' style:family='paragraph'>"
                     "<style:paragraph-properties fo:break-before='page'/></style:style>")));
  EXPECT_EQ(document.pages, 1U);
}

TEST(odf, sheets_show_what_their_cells_show) {
  const auto document = parse(read_sample("sheet.ods"));
  EXPECT_THAT(
      lines_of(document),
      ElementsAre("heading1: Gauges", "paragraph: Levels of the river",
                  "table: | Gauge | Level | Read on | Remark |\n| --- | --- | --- | --- |\n"
                  "| Town Bridge | 1.42 m | 03/05/24 | |\n| spare | none | | not yet set |\n"
                  "| spare | none | | not yet set |"));
  EXPECT_EQ(document.pages, 2U);
  EXPECT_EQ(document.elements[2].page, 1U);
}

TEST(odf, a_cell_without_shown_text_shows_its_value) {
  EXPECT_THAT(lines_of(parse(sheet("<table:table-row>" + cell("a") +
                                   "<table:table-cell office:value='7.5'/></table:table-row>"))),
              ElementsAre("heading1: S", "table: | a | 7.5 |\n| --- | --- |"));
}

TEST(odf, remarks_on_cells_follow_their_table) {
  EXPECT_THAT(
      lines_of(parse(
          sheet("<table:table-row>" + cell("a") +
                "<table:table-cell><office:annotation><dc:creator>K</dc:creator><text:p>check "
                "this</text:p></office:annotation><text:p>9</text:p></table:table-cell>"
                "</table:table-row>"))),
      ElementsAre("heading1: S", "table: | a | 9 |\n| --- | --- |", "paragraph: check this"));
}

TEST(odf, long_sheets_become_tables_that_each_begin_with_the_header) {
  const auto row = "<table:table-row>" + cell("7") + cell("8") + "</table:table-row>";
  const auto lines = lines_of(parse(sheet("<table:table-row>" + cell("Year") + cell("Eels") +
                                          "</table:table-row>" + repeated(row, 450))));
  ASSERT_EQ(lines.size(), 4U);
  for (std::size_t i = 1; i < lines.size(); ++i)
    EXPECT_THAT(lines[i], HasSubstr("| Year | Eels |"));
}

TEST(odf, blank_repetitions_cost_nothing) {
  const auto blank =
      "<table:table-row table:number-rows-repeated='1048576'>"
      "<table:covered-table-cell table:number-columns-repeated='16384'/>"
      "<table:table-cell table:number-columns-repeated='999999999999'/></table:table-row>";
  EXPECT_THAT(lines_of(parse(sheet(repeated(blank, 20'000)))), testing::IsEmpty());
}

TEST(odf, repetitions_of_text_are_bounded) {
  const auto problem = parse_error(
      sheet("<table:table-row table:number-rows-repeated='1048576'><table:table-cell "
            "table:number-columns-repeated='16384'><text:p>x</text:p></table:table-cell>"
            "</table:table-row>"));
  EXPECT_EQ(problem.code, ec::limit_exceeded);
  EXPECT_THAT(problem.message, HasSubstr("cells"));
}

TEST(odf, columns_end_where_a_spreadsheet_ends) {
  std::size_t widest = 0;
  pugi::xml_document xml;
  xml.load_string(
      "<t><table-row><table-cell number-columns-repeated='99999'>x</table-cell>"
      "<table-cell>y</table-cell></table-row></t>");
  odf_table_reader{8, [](const pugi::xml_node& c) { return std::string{c.text().get()}; },
                   [&](table_row& row) { widest = row.size(); }}
      .read(xml.document_element());
  EXPECT_EQ(widest, odf_table_reader::max_columns);
}

TEST(odf, deep_nesting_is_refused) {
  EXPECT_EQ(parse_error(text("<text:p>" + repeated("<text:span>", 20'000) +
                             repeated("</text:span>", 20'000) + "</text:p>"))
                .code,
            ec::limit_exceeded);
  EXPECT_EQ(
      parse_error(text(repeated("<text:section>", 20'000) + repeated("</text:section>", 20'000)))
          .code,
      ec::limit_exceeded);
  EXPECT_EQ(parse_error(sheet(repeated("<table:table-row-group>", 20'000) +
                              repeated("</table:table-row-group>", 20'000)))
                .code,
            ec::limit_exceeded);
}

TEST(odf, an_object_that_holds_itself_ends) {
  const auto body =
      "<text:p>before<draw:frame><draw:object xlink:href='./O'/></draw:frame></text:p>";
  EXPECT_THAT(lines_of(parse(odf("text", content_of("text", body),
                                 {{"O/content.xml", content_of("text", body)}}))),
              ElementsAre("paragraph: before", "paragraph: before"));
}

TEST(odf, formulas_stand_in_their_line) {
  const std::string math =
      "<math><semantics><mi>x</mi><annotation encoding='StarMath 5.0'>x^2 over "
      "2</annotation></semantics></math>";
  EXPECT_THAT(
      lines_of(parse(odf("text",
                         content_of("text",
                                    "<text:p>so <draw:frame><draw:object xlink:href='./Object "
                                    "1'/></draw:frame> holds</text:p>"),
                         {{"Object 1/content.xml", math}}))),
      ElementsAre("paragraph: so x^2 over 2 holds"));
}

TEST(odf, code_keeps_its_lines_and_spaces) {
  EXPECT_THAT(lines_of(parse(text("<text:p text:style-name='Preformatted_20_Text'>if:</text:p>"
                                  "<text:p text:style-name='P9'><text:s text:c='2'/>go</text:p>",
                                  "<style:style style:name='P9' style:family='paragraph' "
                                  "style:parent-style-name='Preformatted_20_Text'/>"))),
              ElementsAre("code: if:\n  go"));
}

TEST(odf, hidden_sections_and_tables_of_contents_are_left_out) {
  EXPECT_THAT(lines_of(parse(text(
                  "<text:section text:display='none'><text:p>a</text:p></text:section>"
                  "<text:table-of-content><text:index-body><text:p>b</text:p></text:index-body>"
                  "</text:table-of-content><text:section><text:p>c</text:p></text:section>"))),
              ElementsAre("paragraph: c"));
}

TEST(odf, templates_and_drawings_are_read) {
  EXPECT_EQ(parse(odf("text-template", content_of("text", "<text:p>x</text:p>"))).mime,
            "application/vnd.oasis.opendocument.text");
  EXPECT_THAT(lines_of(parse(odf("graphics", content_of("drawing",
                                                        "<draw:page><draw:rect><text:p>x</text:p>"
                                                        "</draw:rect></draw:page>")))),
              ElementsAre("paragraph: x"));
}

TEST(odf, what_stands_before_the_damage_is_kept) {
  auto content = content_of("text", "<text:p>first</text:p><text:p>second</text:p>");
  content.resize(content.find("second") + 3);
  const auto document = parse(odf("text", content));
  EXPECT_THAT(lines_of(document), Contains("paragraph: first"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_EQ(parse_error(odf("text", "<x")).code, ec::malformed_document);
}

TEST(odf, entities_of_a_document_type_are_not_expanded) {
  const auto content =
      "<!DOCTYPE d [<!ENTITY a \"boom\">]>" + content_of("text", "<text:p>&a;</text:p>");
  EXPECT_THAT(lines_of(parse(odf("text", content))), Not(Contains(HasSubstr("boom"))));
}

}  // namespace
}  // namespace millrace::parsers
