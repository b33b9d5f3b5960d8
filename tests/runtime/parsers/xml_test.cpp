#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> xml_lines(const std::string& body) {
  return lines_of(parse("<?xml version=\"1.0\"?>\n" + body));
}

TEST(xml, records_become_a_table) {
  EXPECT_THAT(xml_lines("<gauges><gauge id='1'><name>Weir</name><cm>142</cm></gauge>"
                        "<gauge id='2'><name>Bridge</name><cm>97</cm></gauge></gauges>"),
              ElementsAre("heading1: gauges", "heading2: gauge",
                          "table: | id | name | cm |\n| --- | --- | --- |\n| 1 | Weir | 142 |\n"
                          "| 2 | Bridge | 97 |"));
}

TEST(xml, other_data_become_lines_with_names_and_attributes) {
  EXPECT_THAT(xml_lines("<order xmlns='urn:x' date='2024-05-07'><item unit='t'>Flour</item>"
                        "<to><name>Ann</name></to></order>"),
              ElementsAre("heading1: order",
                          "paragraph: date: 2024-05-07\nitem: Flour\nitem.unit: t\nto.name: Ann"));
}

TEST(xml, prose_has_sections_lists_tables_and_links) {
  EXPECT_THAT(lines_of(parse(read_sample("leats.xml"))),
              ElementsAre("title1: Leats", "heading1: Digging",
                          "paragraph: A leat follows the contour of the hill.",
                          "list_item1: Survey the fall.", "paragraph: Falls",
                          "table: | Leat | Fall |\n| --- | --- |\n| North | 1 in 500 |"));
  const auto document = parse(
      "<?xml version='1.0'?><article><p>See <a href='https://example.org/x'>there</a>, "
      "H<sub>2</sub>O.</p></article>");
  EXPECT_THAT(lines_of(document), ElementsAre("paragraph: See there, H2O."));
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/x");
}

TEST(xml, feeds_become_their_entries) {
  const auto document = parse(read_sample("river-news.xml"));
  EXPECT_EQ(document.title, "River news");
  EXPECT_THAT(lines_of(document),
              ElementsAre("title1: River news", "heading1: Flood warning",
                          "paragraph: pubDate: Mon, 6 May 2024",
                          "paragraph: The gauge at the town bridge stands at four metres."));
  EXPECT_EQ(document.links.size(), 2U);
}

TEST(xml, an_entity_bomb_does_not_go_off) {
  const auto document = parse(read_sample("entity-bomb.xml"));
  std::size_t bytes = 0;
  for (const auto& e : document.elements) bytes += e.text.size();
  EXPECT_LT(bytes, 200U);
}

TEST(xml, external_entities_are_not_fetched) {
  EXPECT_THAT(xml_lines("<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r><a>&x;</a></r>"),
              ElementsAre("heading1: r", "paragraph: a: &x;"));
}

TEST(xml, what_stands_before_the_damage_is_read) {
  const auto document = parse(read_sample("cut.xml"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(lines_of(document), Contains("heading1: Digging"));
  EXPECT_EQ(parse_error("<?xml version=\"1.0\"?>\n").code, ec::malformed_document);
}

TEST(xml, nesting_exhausts_no_stack) {
  const auto nested = [](const std::string& name, const std::string& text) {
    std::string out;
    for (int i = 0; i < 100'000; ++i) out += "<" + name + ">";
    out += text;
    for (int i = 0; i < 100'000; ++i) out += "</" + name + ">";
    return out;
  };
  EXPECT_THAT(xml_lines(nested("a", "deep")).back(), HasSubstr("deep"));
  EXPECT_THAT(xml_lines("<p>" + nested("para", "deep") + "</p>").back(), HasSubstr("deep"));
}

}  // namespace
}  // namespace millrace::parsers
