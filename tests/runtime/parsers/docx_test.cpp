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
            "| New floats of elm | Labourer | 620 |\n| Dressing the stones | Dressing the stones | "
            "1,150 |");
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

/// A document with this numbering.xml.
extracted_document numbered(const std::string& body, const std::string& numbering) {
  return parse(make_docx(
      body,
      {{"word/numbering.xml", "<w:numbering>" + numbering + "</w:numbering>"},
       {"word/_rels/document.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"x/numbering\" Target=\"numbering.xml\"/>"
        "</Relationships>"}}));
}

std::string level(int number, const std::string& format, const std::string& label) {
  return "<w:lvl w:ilvl=\"" + std::to_string(number) +
         "\"><w:start w:val=\"1\"/><w:numFmt w:val=\"" + format + "\"/><w:lvlText w:val=\"" +
         label + "\"/></w:lvl>";
}

std::string item(const std::string& list, int number, const std::string& content) {
  return paragraph("<w:pPr><w:numPr><w:ilvl w:val=\"" + std::to_string(number) +
                   "\"/><w:numId w:val=\"" + list + "\"/></w:numPr></w:pPr>" +
                   (content.empty() ? "" : text(content)));
}

TEST(docx, lists_show_their_numbers) {
  const auto numbering =
      "<w:abstractNum w:abstractNumId=\"0\">" + level(0, "decimal", "%1.") +
      level(1, "lowerLetter", "%1%2)") + "</w:abstractNum><w:abstractNum w:abstractNumId=\"1\">" +
      level(0, "bullet", "o") +
      "</w:abstractNum><w:num w:numId=\"3\"><w:abstractNumId w:val=\"0\"/></w:num>"
      "<w:num w:numId=\"4\"><w:abstractNumId w:val=\"1\"/></w:num>"
      "<w:num w:numId=\"5\"><w:abstractNumId w:val=\"0\"/><w:lvlOverride "
      "w:ilvl=\"0\"><w:startOverride w:val=\"7\"/></w:lvlOverride></w:num>";
  EXPECT_THAT(lines_of(numbered(item("3", 0, "one") + item("3", 1, "sub") + item("3", 1, "next") +
                                    item("4", 0, "bullet") + item("3", 0, "two") +
                                    item("3", 0, "") + item("3", 1, "sub") + item("5", 0, "anew") +
                                    item("5", 0, "on") + item("9", 0, "unknown"),
                                numbering)),
              ElementsAre("list_item1: 1. one", "list_item2: 1a) sub", "list_item2: 1b) next",
                          "list_item1: bullet", "list_item1: 2. two", "list_item2: 3a) sub",
                          "list_item1: 7. anew", "list_item1: 8. on", "list_item1: unknown"));
}

TEST(docx, a_hostile_numbering_is_harmless) {
  const auto numbering =
      "<w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"99\"/>" +
      level(0, "upperRoman", repeated("%1%9%", 1000)) +
      "</w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/><w:lvlOverride "
      "w:ilvl=\"0\"><w:startOverride w:val=\"999999999999\"/></w:lvlOverride></w:num>";
  const auto document = numbered(item("1", 0, "x") + item("1", 0, "y"), numbering);
  ASSERT_EQ(document.elements.size(), 2U);
  EXPECT_LT(document.elements[0].text.size(), 200U);
}

TEST(docx, formulas_keep_their_signs) {
  const auto run = [](const std::string& t) { return "<m:r><m:t>" + t + "</m:t></m:r>"; };
  const auto argument = "<m:d><m:e>" + run("x") + "</m:e></m:d>";
  EXPECT_THAT(lines_of(parse(make_docx(paragraph(
                  "<m:oMath>" + run("y=") + "<m:func><m:fName>" + run("log") + "</m:fName><m:e>" +
                  argument +
                  "</m:e></m:func></m:oMath><m:oMath><m:nary>"
                  "<m:naryPr><m:chr m:val=\"∑\"/></m:naryPr><m:sub>" +
                  run("n=1") + "</m:sub><m:sup/><m:e>" + run("n") + "</m:e></m:nary></m:oMath>")))),
              ElementsAre("paragraph: y=log (x) ∑_n=1 n"));
}

TEST(docx, links_and_charts_are_found_by_their_relationships) {
  const auto document = parse(make_docx(
      paragraph("<w:hyperlink r:id=\"r1\">" + text("see") + "</w:hyperlink>") +
          paragraph("<w:r><w:drawing><c:chart r:id=\"r2\"/></w:drawing></w:r>"),
      {{"word/chart.xml",
        "<c:chartSpace><c:chart><c:plotArea><c:pieChart><c:ser><c:cat><c:strLit><c:pt idx=\"0\">"
        "<c:v>oak</c:v></c:pt></c:strLit></c:cat><c:val><c:numLit><c:pt "
        "idx=\"0\"><c:v>3</c:v></c:pt>"
        "<c:pt idx=\"4294967295\"><c:v>4</c:v></c:pt></c:numLit></c:val></c:ser></c:pieChart>"
        "</c:plotArea></c:chart></c:chartSpace>"},
       {"word/_rels/document.xml.rels",
        "<Relationships><Relationship Id=\"r1\" Type=\"x/hyperlink\" "
        "Target=\"https://example.org/a\" TargetMode=\"External\"/><Relationship Id=\"r2\" "
        "Type=\"x/chart\" Target=\"chart.xml\"/></Relationships>"}}));
  EXPECT_THAT(lines_of(document), ElementsAre("paragraph: see", "paragraph: Pie chart",
                                              "table: | oak | 3 |\n| --- | --- |\n| | 4 |"));
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/a");
}

TEST(docx, broken_relationships_of_the_package_are_a_warning) {
  const auto document =
      parse(make_docx(paragraph(text("still read")), {{"_rels/.rels", "<Relationships><broken"}}));
  EXPECT_THAT(lines_of(document), ElementsAre("paragraph: still read"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_NE(document.warning.message.find("_rels/.rels"), std::string::npos);
}

TEST(docx, broken_xml_is_malformed) {
  EXPECT_EQ(parse_error(make_docx("<w:p><w:r>")).code, ec::malformed_document);
}

}  // namespace
}  // namespace millrace::parsers
