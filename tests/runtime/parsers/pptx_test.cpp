#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string text(const std::string& content, const std::string& properties = {}) {
  return "<a:p>" + properties + "<a:r><a:t>" + content + "</a:t></a:r></a:p>";
}

std::string shape(const std::string& paragraphs, const std::string& placeholder = {}) {
  const auto kind = placeholder.empty() ? "" : "<p:ph type=\"" + placeholder + "\"/>";
  return "<p:sp><p:nvSpPr><p:nvPr>" + kind + "</p:nvPr></p:nvSpPr><p:txBody>" + paragraphs +
         "</p:txBody></p:sp>";
}

std::string slide(const std::string& shapes) {
  return "<p:sld><p:cSld><p:spTree>" + shapes + "</p:spTree></p:cSld></p:sld>";
}

std::string relations(const std::string& inside) {
  return "<Relationships>" + inside + "</Relationships>";
}

/// A presentation of these slides; `more` are further parts.
std::string make_pptx(const std::vector<std::string>& slides, const zip_parts& more = {}) {
  std::string list;
  std::string targets;
  zip_parts parts{{"[Content_Types].xml", "presentationml.presentation.main+xml"}};
  for (std::size_t i = 0; i < slides.size(); ++i) {
    const auto number = std::to_string(i + 1);
    list += "<p:sldId id=\"256\" r:id=\"r" + number + "\"/>";
    targets += "<Relationship Id=\"r" + number + "\" Type=\"x/slide\" Target=\"slides/slide" +
               number + ".xml\"/>";
    if (!slides[i].empty()) parts.emplace_back("ppt/slides/slide" + number + ".xml", slides[i]);
  }
  parts.emplace_back("ppt/presentation.xml",
                     "<p:presentation><p:sldIdLst>" + list + "</p:sldIdLst></p:presentation>");
  parts.emplace_back("ppt/_rels/presentation.xml.rels", relations(targets));
  parts.insert(parts.end(), more.begin(), more.end());
  return make_zip(parts);
}

TEST(pptx, reads_a_whole_presentation_in_the_order_of_its_list) {
  const auto document = parse(read_sample("slides.pptx"));
  EXPECT_EQ(document.title, "The lock keepers’ year");
  EXPECT_EQ(document.pages, 3U);
  EXPECT_THAT(
      lines_of(document),
      ElementsAre(
          "heading1: The lock keepers’ year", "paragraph: What a canal needs, month by month",
          "heading2: Dredging", "list_item1: Autumn, before the frost",
          "list_item2: Sound the depth at each gate", "list_item1: Grease the paddle gear",
          "paragraph: Upper pound", "paragraph: Lower pound", "image: A dredger at the third lock",
          "paragraph: Depth is read once", "paragraph: Canal trust",
          "paragraph: Say why the paddle gear seized last winter.",
          "paragraph: Comment by Ada Reeve, 2024-03-01: Ask the trust for the newer depths.",
          "heading2: Stoppages",
          "table: | Lock | Closed | Closed |\n| --- | --- | --- |\n| Third | May | 6 days "
          "|\n| Third | June | 2 days |",
          "paragraph: Bar chart: Boats by month",
          "table: | | Freight | Pleasure |\n| --- | --- | --- |\n| May | 41 | 120 |\n| June "
          "| 38 | 164 |"));
  EXPECT_EQ(document.elements[1].page, 1U);
  EXPECT_EQ(document.elements[8].page, 2U);
  EXPECT_EQ(document.elements[8].image.mime, "image/png");
  EXPECT_EQ(document.elements.back().page, 3U);
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/dredgers");
  EXPECT_EQ(document.links[0].page, 2U);
  EXPECT_THAT(document.properties,
              testing::Contains(std::pair<std::string, std::string>("author", "Ada Reeve")));
}

TEST(pptx, an_image_is_found_again_by_its_source) {
  const auto bytes = read_sample("slides.pptx");
  const auto image = load_image(bytes, parse(bytes).elements[8].image.source, {});
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_TRUE(image->starts_with("\x89PNG"));
}

TEST(pptx, without_images_only_text_is_read) {
  parse_limits limits;
  limits.images = false;
  const auto document = parse_document(read_sample("slides.pptx"), limits, {[](auto) {}});
  ASSERT_TRUE(document);
  for (const auto& e : document->elements) EXPECT_NE(e.kind, element_kind::image);
}

TEST(pptx, progress_is_told_after_each_slide) {
  std::vector<std::uint32_t> told;
  ASSERT_TRUE(parse_document(read_sample("slides.pptx"), {},
                             [&](const parse_progress& p) { told.push_back(p.pages); }));
  EXPECT_THAT(told, ElementsAre(1, 2, 3));
}

TEST(pptx, a_damaged_slide_is_left_out_with_a_warning) {
  const auto document = parse(
      make_pptx({slide(shape(text("one"))), "<p:sld><broken", slide(shape(text("three"))), ""}));
  EXPECT_THAT(lines_of(document), ElementsAre("paragraph: one", "paragraph: three"));
  EXPECT_EQ(document.elements[1].page, 3U);
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(document.warning.message, HasSubstr("slide 2"));
}

TEST(pptx, without_any_readable_slide_it_is_malformed) {
  EXPECT_EQ(parse_error(make_pptx({"<p:sld><broken", ""})).code, ec::malformed_document);
  EXPECT_EQ(
      parse_error(make_zip({{"[Content_Types].xml", "presentationml.presentation.main+xml"}})).code,
      ec::malformed_document);
}

TEST(pptx, numbered_paragraphs_show_their_numbers) {
  const std::string numbered = "<a:pPr><a:buAutoNum type=\"arabicPeriod\"/></a:pPr>";
  const std::string letters = "<a:pPr lvl=\"1\"><a:buAutoNum type=\"alphaLcParenR\"/></a:pPr>";
  EXPECT_THAT(lines_of(parse(make_pptx({slide(
                  shape(text("one", numbered) + text("sub", letters) + text("two", numbered)))}))),
              ElementsAre("list_item1: 1. one", "list_item2: a) sub", "list_item1: 2. two"));
}

TEST(pptx, a_body_of_one_paragraph_is_no_list) {
  EXPECT_THAT(lines_of(parse(make_pptx(
                  {slide(shape(text("alone"), "body") + shape(text("a") + text("b",
                                                                               "<a:pPr><a:buNone/>"
                                                                               "</a:pPr>"),
                                                              "body"))}))),
              ElementsAre("paragraph: alone", "list_item1: a", "paragraph: b"));
}

TEST(pptx, a_diagram_gives_the_texts_of_its_nodes) {
  const std::string data =
      "<dgm:dataModel><dgm:ptLst><dgm:pt type=\"doc\"><dgm:t><a:p/></dgm:t></dgm:pt><dgm:pt>"
      "<dgm:t>" +
      text("plan") + "</dgm:t></dgm:pt><dgm:pt type=\"pres\"><dgm:t>" + text("hidden") +
      "</dgm:t></dgm:pt><dgm:pt><dgm:t>" + text("dig") +
      "</dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>";
  const std::string frame =
      "<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds r:dm=\"d\"/></a:graphicData>"
      "</a:graphic></p:graphicFrame>";
  EXPECT_THAT(lines_of(parse(make_pptx({slide(frame)},
                                       {{"ppt/diagrams/data1.xml", data},
                                        {"ppt/slides/_rels/slide1.xml.rels",
                                         relations("<Relationship Id=\"d\" Type=\"x/diagramData\" "
                                                   "Target=\"../diagrams/data1.xml\"/>")}}))),
              ElementsAre("list_item1: plan", "list_item1: dig"));
}

TEST(pptx, newer_comments_have_replies) {
  const std::string comments =
      "<cmLst><cm authorId=\"{A}\" created=\"2024-05-01T10:00:00\"><replyLst><reply "
      "authorId=\"{B}\" created=\"2024-05-02T10:00:00\"><txBody>" +
      text("yes") + "</txBody></reply></replyLst><txBody>" + text("sure?") +
      "</txBody></cm></cmLst>";
  EXPECT_THAT(lines_of(parse(make_pptx({slide(shape(text("x")))},
                                       {{"ppt/comments/c.xml", comments},
                                        {"ppt/slides/_rels/slide1.xml.rels",
                                         relations("<Relationship Id=\"c\" Type=\"y/comments\" "
                                                   "Target=\"../comments/c.xml\"/>")}}))),
              ElementsAre("paragraph: x", "paragraph: Comment, 2024-05-01: sure?",
                          "paragraph: Comment, 2024-05-02: yes"));
}

TEST(pptx, deep_groups_are_refused) {
  std::string open;
  std::string close;
  for (int i = 0; i < 20'000; ++i) {
    open += "<p:grpSp>";
    close += "</p:grpSp>";
  }
  EXPECT_EQ(parse_error(make_pptx({slide(open + close)})).code, ec::limit_exceeded);
  std::string runs = "<a:p>";
  for (int i = 0; i < 20'000; ++i) runs += "<a:x>";
  runs += "<a:t>deep</a:t>";
  for (int i = 0; i < 20'000; ++i) runs += "</a:x>";
  EXPECT_EQ(parse_error(make_pptx({slide(shape(runs + "</a:p>"))})).code, ec::limit_exceeded);
}

}  // namespace
}  // namespace millrace::parsers
