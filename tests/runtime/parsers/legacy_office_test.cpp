// DOC, XLS and PPT of Office 97-2003, by the samples that tests/data/samples_legacy.py makes.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/parsers/ppt_records.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> lines_of_sample(const std::string& name) {
  return lines_of(parse(read_sample(name)));
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

/// The little-endian number at `at` becomes `value`.
void set_number(std::string& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>((value >> (8 * i)) & 0xFF);
}

std::string number(std::uint32_t value) {
  std::string out(4, '\0');
  set_number(out, 0, value);
  return out;
}

std::string record(std::uint16_t type, const std::string& data) {
  return number(std::uint32_t{type} << 16) + number(static_cast<std::uint32_t>(data.size())) + data;
}

TEST(doc, headings_lists_links_tables_and_notes_are_read_in_order) {
  const auto document = parse(read_sample("weir.doc"));
  const auto lines = lines_of(document);
  ASSERT_EQ(lines.size(), 8U) << joined(lines);
  EXPECT_EQ(lines[0], "heading1: The Weir at Long Reach");
  EXPECT_EQ(lines[1], "paragraph: The weir – built in 1788 – keeps the pound full.");
  EXPECT_EQ(lines[2], "heading2: What is needed");
  EXPECT_EQ(lines[3], "list_item1: Oak boards");
  EXPECT_EQ(lines[4], "paragraph: See the survey of last year.");
  EXPECT_THAT(lines[5], HasSubstr("| Часть | Price |"));
  EXPECT_THAT(lines[5], HasSubstr("| Boards | 620 |"));
  EXPECT_EQ(lines[6], "paragraph: The trustees meet again in May.");
  EXPECT_EQ(lines[7], "paragraph: So says the deed.");
  ASSERT_EQ(document.links.size(), 1U);
  EXPECT_EQ(document.links[0].target, "https://example.org/weir");
}

TEST(doc, hidden_text_and_headers_are_left_out) {
  const auto text = joined(lines_of_sample("weir.doc"));
  EXPECT_THAT(text, Not(HasSubstr("nobody may see")));
  EXPECT_THAT(text, Not(HasSubstr("page 1")));
}

TEST(xls, sheets_are_tables_under_their_names) {
  const auto lines = lines_of_sample("gauges.xls");
  ASSERT_EQ(lines.size(), 5U) << joined(lines);
  EXPECT_EQ(lines[0], "heading1: Gauges");
  EXPECT_EQ(lines[1], "paragraph: Levels of the river");
  EXPECT_THAT(lines[2], HasSubstr("| Town Bridge | 2024-05-03 | 1.42 | since 1931 – rebuilt |"));
  EXPECT_EQ(lines[3], "heading1: Costs");
  EXPECT_THAT(lines[4], HasSubstr("| Boards | 620 |"));
}

TEST(xls, a_time_at_midnight_is_left_out_and_others_stay) {
  const auto text = joined(lines_of_sample("gauges.xls"));
  EXPECT_THAT(text, HasSubstr("| Old Wharf | 2024-05-03 06:00:00 | 3 | |"));
  EXPECT_THAT(text, HasSubstr("| Прудъ | 2024-05-04 | -7 | 0.3125 |"));
}

TEST(xls, text_over_the_limit_is_refused) {
  parse_limits limits;
  limits.max_text_bytes = 40;
  EXPECT_EQ(parse_error(read_sample("gauges.xls"), limits).code, ec::limit_exceeded);
}

TEST(xls, one_workbook_after_another_is_read_from_its_own_bytes) {
  const auto gauges = read_sample("gauges.xls");
  const auto before = lines_of(parse(gauges));
  EXPECT_EQ(parse_error(read_sample("password.xls")).code, ec::encrypted_document);
  EXPECT_EQ(lines_of(parse(gauges)), before);
}

TEST(ppt, slides_are_pages_with_title_text_and_notes) {
  const auto document = parse(read_sample("winter.ppt"));
  EXPECT_EQ(document.pages, 3U);
  EXPECT_THAT(
      lines_of(document),
      ElementsAre("heading1: The weir in winter", "paragraph: A talk for the trustees",
                  "heading2: Ice", "list_item1: Break it by hand",
                  "list_item1: Never from a boat – ever", "paragraph: Photographs: the keeper’s",
                  "paragraph: Ask who was there in 1963.", "heading2: What was changed last"));
  EXPECT_EQ(document.elements.back().page, 3U);
}

TEST(ppt, what_an_edit_replaced_is_not_read) {
  EXPECT_THAT(joined(lines_of_sample("winter.ppt")), Not(HasSubstr("older last slide")));
}

TEST(ppt, edits_that_name_each_other_end) {
  // Two edits: the earlier one names the later one as the one before it.
  const auto edit = [](std::uint32_t before) {
    return record(0x0FF5, number(0) + number(0) + number(before) + number(0) + number(1));
  };
  const auto stream = edit(28) + edit(28);
  EXPECT_FALSE(ppt_parts(stream, 28).document());
  EXPECT_FALSE(ppt_parts(stream, 0).document());
  EXPECT_FALSE(ppt_parts(stream, 4'000'000'000).document());
}

TEST(ppt, a_record_that_says_it_is_longer_than_its_file_is_cut) {
  auto bytes = record(0x0FA8, "ice");
  set_number(bytes, 4, 0xFFFFFFFF);
  std::string_view rest = bytes;
  const auto cut = take_ppt_record(rest);
  ASSERT_TRUE(cut);
  EXPECT_EQ(ppt_text(*cut), "ice");
  EXPECT_TRUE(rest.empty());
  EXPECT_FALSE(take_ppt_record(rest));
}

TEST(legacy_office, a_file_that_is_cut_off_is_said_to_be_damaged) {
  for (const auto* name : {"weir.doc", "gauges.xls", "winter.ppt"}) {
    const auto whole = read_sample(name);
    const auto error = parse_error(whole.substr(0, 1600));
    EXPECT_EQ(error.code, ec::malformed_document) << name;
    EXPECT_THAT(error.message, HasSubstr("cut off or damaged")) << name;
  }
}

}  // namespace
}  // namespace millrace::parsers
