#include "runtime/parsers/detect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

std::string mime_of(std::string_view bytes) {
  return detect_mime(bytes).value_or("(failed)");
}

TEST(detect, prose_with_commas_is_plain_text) {
  EXPECT_EQ(mime_of("Dear Anna, thank you for the letter,\nthe stamps, and the map.\nYours, Tom\n"),
            "text/plain");
}

TEST(detect, places_after_commas_are_no_table) {
  EXPECT_EQ(mime_of("Amsterdam, Netherlands\nParis, France\nBerlin, Germany\n"), "text/plain");
}

TEST(detect, source_code_is_plain_text) {
  EXPECT_EQ(
      mime_of(
          "#include <cstdio>\n\nint main() {\n  int a = 1;\n  int b = 2;\n  return a + b;\n}\n"),
      "text/plain");
  EXPECT_EQ(mime_of("#!/bin/sh\n# build\n\n# then test\n\nmake && make test\n"), "text/plain");
}

TEST(detect, delimited_rows_are_csv_whatever_the_delimiter) {
  EXPECT_EQ(mime_of("a,b,c\n1,2,3\n"), "text/csv");
  EXPECT_EQ(mime_of("a;b;c\n1,5;2;3\n4;5,5;6\n"), "text/csv");
  EXPECT_EQ(mime_of("name\tplace\nAnna\tYork\nTom\tLeeds\n"), "text/csv");
  EXPECT_EQ(mime_of("a|b|c\n1|2|3\n4|5|6\n"), "text/csv");
}

TEST(detect, markdown_needs_clear_signs) {
  EXPECT_EQ(mime_of("# Mills\n\nThey grind.\n"), "text/markdown");
  EXPECT_EQ(mime_of("Item | Price\n---|---\nFlour | 2\nBread | 3\n"), "text/markdown");
  EXPECT_EQ(mime_of("Text first.\n\n```\ncode\n```\n"), "text/markdown");
  EXPECT_EQ(mime_of("We are number #1 and use * as a star.\n\n- one dash\n"), "text/plain");
}

TEST(detect, json_is_neither_text_nor_csv) {
  EXPECT_EQ(mime_of(R"([{"a": 1, "b": 2}, {"a": 3, "b": 4}])"), "application/json");
  EXPECT_EQ(mime_of("{\"a\": 1}\n{\"a\": 2}\n"), "application/x-ndjson");
  EXPECT_EQ(mime_of("{ not json }"), "text/plain");
}

TEST(detect, deeply_nested_json_does_not_exhaust_the_stack) {
  const std::string open(1'000'000, '[');
  const std::string close(1'000'000, ']');
  EXPECT_EQ(mime_of(open + close), "application/json");
}

TEST(detect, markup_is_told_apart) {
  EXPECT_EQ(mime_of("<!-- note --><html><p>x</p></html>"), "text/html");
  EXPECT_EQ(mime_of("<div>piece</div>"), "text/html");
  EXPECT_EQ(mime_of("<?xml version=\"1.0\"?><a/>"), "application/xml");
  EXPECT_EQ(mime_of("<?xml version=\"1.0\"?><html xmlns=\"x\"><body/></html>"), "text/html");
  EXPECT_EQ(mime_of("<rainfall><day>3</day></rainfall>"), "application/xml");
  EXPECT_EQ(mime_of("<3 this song"), "text/plain");
}

TEST(detect, a_text_about_pdf_is_no_pdf) {
  EXPECT_EQ(mime_of("A file starts with %PDF-1.7 and a line of bytes.\n"), "text/plain");
}

TEST(detect, a_truncated_zip_is_malformed) {
  const auto whole = make_zip({{"a.txt", std::string(5000, 'x')}});
  EXPECT_EQ(parse_error(whole.substr(0, whole.size() - 10)).code, ec::malformed_document);
}

TEST(detect, binary_formats_are_named_by_libmagic) {
  auto program = std::string{"\x7f"} + "ELF\x02\x01\x01" + std::string(9, '\0') +
                 std::string("\x03\0\x3e\0\x01\0\0\0", 8);
  program.resize(256, '\0');
  const auto problem = parse_error(program);
  EXPECT_EQ(problem.code, ec::unsupported_format);
  EXPECT_THAT(problem.message, testing::HasSubstr("ELF"));
}

TEST(detect, an_empty_file_is_an_empty_document) {
  EXPECT_TRUE(parse("").elements.empty());
  EXPECT_EQ(mime_of(""), "application/x-empty");
}

}  // namespace
}  // namespace millrace::parsers
