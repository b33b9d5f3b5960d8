#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/docx_styles.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string text(const std::string& content) {
  return "<w:r><w:t>" + content + "</w:t></w:r>";
}
std::string paragraph(const std::string& content) {
  return "<w:p>" + content + "</w:p>";
}
std::string styled(const std::string& style, const std::string& content) {
  return paragraph("<w:pPr><w:pStyle w:val=\"" + style + "\"/></w:pPr>" + text(content));
}
std::string repeated(const std::string& part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

TEST(docx, reads_a_whole_document) {
  const auto document = parse(read_sample("lower-mill.docx"));
  EXPECT_EQ(document.title, "Restoring the Lower Mill");
  EXPECT_EQ(document.pages, 2U);
  const auto lines = lines_of(document);
  ASSERT_EQ(lines.size(), 14U);
  EXPECT_EQ(lines[0], "title1: Restoring the Lower Mill");
  EXPECT_EQ(lines[1], "heading1: The wheel");
  EXPECT_THAT(lines[2], HasSubstr("under its coat of tar & lime."));
  EXPECT_EQ(lines[3], "paragraph: The mill is first named in a tithe roll of 1286.");
  EXPECT_EQ(lines[4], "image: The oak wheel before the restoration");
  EXPECT_EQ(lines[7], "list_item2: build a cofferdam of clay");
  EXPECT_EQ(lines[12],
            "table: | Work | Craft | Price in pounds |\n| --- | --- | --- |\n| New floats of elm | "
            "Millwright | 1,840 |\n"
            "| New floats of elm | Labourer | 620 |\n| Dressing the stones | | 1,150 |");
  const auto& image = document.elements[4].image;
  EXPECT_EQ(image.mime, "image/png");
  EXPECT_EQ(image.width, 32U);
  EXPECT_EQ(image.height, 20U);
  EXPECT_EQ(document.elements[9].page, 1U);
  EXPECT_EQ(document.elements[10].page, 2U);
}

TEST(docx, a_style_inherits_its_outline_level) {
  EXPECT_EQ(lines_of(parse(read_sample("lower-mill.docx")))[11], "heading1: Costs");
}

TEST(docx, localized_style_names_are_headings) {
  EXPECT_THAT(lines_of(parse(read_sample("minutes-german.docx"))),
              ElementsAre("heading1: Protokoll der Gemeinderatssitzung",
                          "paragraph: Der Gemeinderat beriet über die Sanierung der alten "
                          "Steinbrücke. Der Antrag wurde "
                          "angenommen.",
                          "paragraph: Nächste Sitzung: 14. März im Rathaus", "heading2: Beschlüsse",
                          "paragraph: Die Brücke wird ab Mai für Fahrzeuge über 3,5 Tonnen "
                          "gesperrt. Die Umleitung führt "
                          "über die Hauptstraße.",
                          "paragraph: Die Kosten von 240.000 Euro trägt zur Hälfte das Land."));
  EXPECT_EQ(heading_level_of_style_name("titre 3"), 3);
  EXPECT_EQ(heading_level_of_style_name("heading"), 0);
  EXPECT_EQ(heading_level_of_style_name("headline 2"), 0);
}

TEST(docx, styles_that_build_on_each_other_in_a_circle_end) {
  const std::string styles =
      "<w:styles><w:style w:type=\"paragraph\" w:styleId=\"A\"><w:basedOn w:val=\"B\"/></w:style>"
      "<w:style w:type=\"paragraph\" w:styleId=\"B\"><w:basedOn w:val=\"A\"/></w:style></w:styles>";
  const std::string relations =
      "<Relationships><Relationship Id=\"r1\" Type=\"x/styles\" "
      "Target=\"styles.xml\"/></Relationships>";
  EXPECT_THAT(lines_of(parse(make_docx(
                  styled("A", "Round"),
                  {{"word/styles.xml", styles}, {"word/_rels/document.xml.rels", relations}}))),
              ElementsAre("paragraph: Round"));
}

TEST(docx, spaces_between_runs_count) {
  EXPECT_THAT(lines_of(parse(make_docx(
                  paragraph(text("old") + "<w:r><w:t xml:space=\"preserve\"> </w:t></w:r>" +
                            text("mill") + "<w:r><w:tab/><w:t>x</w:t><w:br/><w:t>y</w:t></w:r>")))),
              ElementsAre("paragraph: old mill x\ny"));
}

TEST(docx, explicit_breaks_count_pages_only_without_rendered_ones) {
  const auto page_break = "<w:r><w:br w:type=\"page\"/></w:r>";
  const auto rendered = "<w:r><w:lastRenderedPageBreak/></w:r>";
  EXPECT_EQ(parse(make_docx(paragraph(text("a")) + paragraph(page_break + text("b")))).pages, 2U);
  EXPECT_EQ(
      parse(make_docx(paragraph(text("a") + page_break) + paragraph(rendered + text("b")))).pages,
      2U);
  EXPECT_EQ(parse(make_docx(paragraph(text("a")))).pages, 0U);
}

TEST(docx, nested_tables_are_flattened_and_a_single_cell_is_a_box) {
  const auto cell = [](const std::string& inside) { return "<w:tc>" + inside + "</w:tc>"; };
  const auto inner =
      "<w:tbl><w:tr>" + cell(paragraph(text("b"))) + cell(paragraph(text("c"))) + "</w:tr></w:tbl>";
  EXPECT_THAT(lines_of(parse(make_docx("<w:tbl><w:tr>" + cell(paragraph(text("a"))) + cell(inner) +
                                       "</w:tr></w:tbl>"))),
              ElementsAre("table: | a | b c |\n| --- | --- |"));
  EXPECT_THAT(lines_of(parse(
                  make_docx("<w:tbl><w:tr>" + cell(paragraph(text("boxed"))) + "</w:tr></w:tbl>"))),
              ElementsAre("paragraph: boxed"));
}

TEST(docx, entities_of_a_document_type_are_not_expanded) {
  auto parts =
      zip_parts{{"word/document.xml", "<!DOCTYPE d [<!ENTITY a \"boom\">]><w:document><w:body>" +
                                          paragraph(text("&a;&a;")) + "</w:body></w:document>"}};
  parts.insert(parts.begin(), {"[Content_Types].xml", "wordprocessingml.document.main+xml"});
  EXPECT_THAT(lines_of(parse(make_zip(parts))), ElementsAre("paragraph: &a;&a;"));
}

TEST(docx, deep_nesting_is_refused) {
  const auto deep =
      repeated("<w:tbl><w:tr><w:tc>", 20'000) + repeated("</w:tc></w:tr></w:tbl>", 20'000);
  EXPECT_EQ(parse_error(make_docx(deep)).code, ec::limit_exceeded);
  const auto runs =
      paragraph(repeated("<w:smartTag>", 100'000) + repeated("</w:smartTag>", 100'000));
  EXPECT_EQ(parse_error(make_docx(runs)).code, ec::limit_exceeded);
}

TEST(docx, a_footnote_that_refers_to_itself_ends) {
  const auto reference = "<w:r><w:footnoteReference w:id=\"5\"/></w:r>";
  const std::string notes = "<w:footnotes><w:footnote w:id=\"5\">" +
                            paragraph(text("note") + reference) + "</w:footnote></w:footnotes>";
  const std::string relations =
      "<Relationships><Relationship Id=\"r1\" Type=\"x/footnotes\" "
      "Target=\"footnotes.xml\"/></Relationships>";
  EXPECT_THAT(lines_of(parse(make_docx(
                  paragraph(text("a") + reference),
                  {{"word/footnotes.xml", notes}, {"word/_rels/document.xml.rels", relations}}))),
              ElementsAre("paragraph: a", "paragraph: note"));
}

TEST(docx, broken_xml_is_malformed) {
  EXPECT_EQ(parse_error(make_docx("<w:p><w:r>")).code, ec::malformed_document);
}

}  // namespace
}  // namespace millrace::parsers
