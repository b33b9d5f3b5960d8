#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/csv_dialect.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using testing::ElementsAre;

TEST(csv, quoted_fields_hold_delimiters_quotes_and_line_ends) {
  EXPECT_THAT(lines_of(parse("a,b,c\n1,\"x, \"\"y\"\"\nz\",3\n")),
              ElementsAre("table: | a | b | c |\n| --- | --- | --- |\n| 1 | x, \"y\" z | 3 |"));
}

TEST(csv, ragged_rows_are_padded) {
  EXPECT_THAT(
      lines_of(parse("a,b,c\n1,2\n4,5,6\n7,8,9\n0,0,0\n")),
      ElementsAre(
          "table: | a | b | c |\n| --- | --- | --- |\n| 1 | 2 | |\n| 4 | 5 | 6 |\n| 7 | 8 | 9 |\n"
          "| 0 | 0 | 0 |"));
}

TEST(csv, one_wide_row_does_not_widen_all_others) {
  std::string text = "a,b,c";
  for (int i = 0; i < 20'000; ++i) text += ",x";
  text += '\n';
  for (int i = 0; i < 200; ++i) text += "1,2,3\n";
  const auto document = parse(text);
  ASSERT_EQ(document.elements.size(), 1U);
  EXPECT_LT(document.elements[0].text.size(), 10 * text.size());
}

TEST(csv, pipes_in_cells_are_escaped) {
  EXPECT_THAT(lines_of(parse("a,b,c\n1,x|y,3\n")),
              ElementsAre("table: | a | b | c |\n| --- | --- | --- |\n| 1 | x\\|y | 3 |"));
}

TEST(csv, long_tables_are_cut_and_repeat_their_header) {
  std::string text = "id,name,value\n";
  for (int i = 0; i < 450; ++i) text += std::to_string(i) + ",row,x\n";
  const auto lines = lines_of(parse(text));
  ASSERT_EQ(lines.size(), 3U);
  for (const auto& line : lines)
    EXPECT_TRUE(line.starts_with("table: | id | name | value |\n| --- |"));
  EXPECT_TRUE(lines[1].find("\n| 200 | row | x |") != std::string::npos);
  EXPECT_TRUE(lines[2].ends_with("| 449 | row | x |"));
}

TEST(csv, a_delimiter_line_of_a_spreadsheet_is_obeyed_and_left_out) {
  EXPECT_EQ(sniff_delimiter("sep=;\na;b\n1;2\n"), ';');
  EXPECT_THAT(lines_of(parse("sep=;\na;b\n1;2\n")),
              ElementsAre("table: | a | b |\n| --- | --- |\n| 1 | 2 |"));
}

TEST(csv, one_column_has_no_delimiter) {
  EXPECT_EQ(sniff_delimiter("name\nAnna\nTom\n"), std::nullopt);
}

TEST(csv, a_quote_that_is_never_closed_is_malformed) {
  std::string text = "a,b,c\n";
  for (int i = 0; i < 20'000; ++i) text += "1,2,3\n";
  text += "4,\"5";
  text += std::string(5 << 20, 'x');
  EXPECT_EQ(parse_error(text).code, ec::malformed_document);
}

}  // namespace
}  // namespace millrace::parsers
