#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/data_tree.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> json_lines(std::string_view text) {
  return lines_of(parse(text));
}

TEST(json, members_are_lines_and_larger_parts_have_headings) {
  EXPECT_THAT(
      json_lines(R"({"name": "Lower Mill", "site": {"county": "Kent"}, "built": 1784,
                        "crew": ["Ann", "Tom"],
                        "works": [{"task": "floats"}, {"task": "stones", "hours": 1.50}]})"),
      ElementsAre("paragraph: name: Lower Mill\nsite.county: Kent\nbuilt: 1784\n"
                  "crew: Ann, Tom",
                  "heading1: works",
                  "table: | task | hours |\n| --- | --- |\n| floats | |\n| stones | 1.50 |"));
}

TEST(json, long_texts_are_paragraphs) {
  const std::string text(400, 'x');
  EXPECT_THAT(json_lines(R"({"a": 1, "text": ")" + text + R"(", "b": 2})"),
              ElementsAre("paragraph: a: 1", "paragraph: text: " + text, "paragraph: b: 2"));
}

TEST(json, records_of_different_shapes_are_paragraphs) {
  EXPECT_THAT(json_lines(R"([{"a": {"b": {"c": 1}}}, {"d": [{"e": 2}, {"e": 3}]}])"),
              ElementsAre("paragraph: a.b.c: 1", "paragraph: d.1.e: 2\nd.2.e: 3"));
}

TEST(json, numbers_stay_as_they_are_written) {
  EXPECT_THAT(json_lines(R"({"a": 12345678901234567890123.10, "b": 1E+5, "c": null, "d": false})"),
              ElementsAre("paragraph: a: 12345678901234567890123.10\nb: 1E+5\nd: false"));
}

TEST(json, a_long_list_of_numbers_is_few_paragraphs) {
  std::string list = "[0";
  for (int i = 1; i < 100'000; ++i) list += "," + std::to_string(i);
  const auto document = parse(list + "]");
  EXPECT_LT(document.elements.size(), 100U);
  EXPECT_THAT(document.elements.back().text, HasSubstr("99998, 99999"));
}

TEST(json, nesting_exhausts_no_stack) {
  const std::string open(500'000, '[');
  const std::string close(500'000, ']');
  EXPECT_THAT(json_lines(open + "\"deep down\"" + close), ElementsAre("paragraph: deep down"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_THAT(json_lines(objects + "\"deep\"" + std::string(100'000, '}')).back(),
              HasSubstr("deep"));
}

TEST(json, cut_off_it_is_plain_text) {
  const auto document = parse("{\n  \"name\": \"Lower Mill\",\n  \"built\": 17");
  EXPECT_EQ(document.mime, "text/plain");
  EXPECT_THAT(document.elements.at(0).text, HasSubstr("Lower Mill"));
}

TEST(json_lines, each_line_is_an_element) {
  EXPECT_THAT(json_lines("{\"a\": 1, \"b\": {\"c\": [1, 2]}}\n\n[\"x\", \"y\"]\n"),
              ElementsAre("paragraph: a: 1\nb.c: 1, 2", "paragraph: x, y"));
}

TEST(json_lines, a_broken_line_is_kept_and_told) {
  const auto document = parse(read_sample("cut.jsonl"));
  EXPECT_EQ(document.warning.code, ec::partly_read);
  EXPECT_THAT(document.warning.message, HasSubstr("line 3"));
  EXPECT_THAT(lines_of(document).back(), HasSubstr("08:1"));
}

TEST(data_tree, keeps_children_in_order) {
  data_tree tree;
  const auto root = tree.add(data_tree::no_parent, data_kind::object, {});
  for (const auto* key : {"a", "b", "c"}) tree.add(root, data_kind::scalar, key, "x");
  std::string keys;
  tree.all_children(root, [&](std::uint32_t child) {
    keys += tree.at(child).key;
    return true;
  });
  EXPECT_EQ(keys, "abc");
  EXPECT_EQ(tree.at(root).children, 3U);
}

}  // namespace
}  // namespace millrace::parsers
