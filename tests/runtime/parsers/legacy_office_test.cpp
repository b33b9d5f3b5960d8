// DOC and PPT of Office 97-2003, by the samples that tests/data/samples_legacy.py makes.
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

/// What the FIB and the tables of weir.doc say, to be changed.
class damaged_doc : public ::testing::Test {
 protected:
  /// Tables in the FIB (MS-DOC 2.5.6).
  static constexpr std::size_t character_pages = 12;
  static constexpr std::size_t paragraph_pages = 13;
  static constexpr std::size_t pieces = 33;

  std::size_t fib() const { return bytes.find("\xEC\xA5\xC1"); }
  std::size_t entry(std::size_t table) const { return fib() + 154 + 8 * table; }
  /// Where the table stands in the file: streams are in one piece, and "1Table" is the first.
  std::size_t place(std::size_t table) const { return 3 * 512 + number_at(entry(table)); }
  std::uint32_t number_at(std::size_t at) const {
    std::uint32_t out = 0;
    for (std::size_t i = 4; i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[at + i]);
    return out;
  }
  void expect_refused() const {
    const auto error = parse_error(bytes);
    EXPECT_EQ(error.code, ec::malformed_document);
    EXPECT_THAT(error.message, HasSubstr("cut off or damaged"));
  }

  std::string bytes = read_sample("weir.doc");
};

TEST_F(damaged_doc, a_table_of_pages_without_a_page_is_refused) {
  for (const auto table : {character_pages, paragraph_pages}) {
    for (const std::uint32_t size : {0U, 4U, 11U}) {
      bytes = read_sample("weir.doc");
      set_number(bytes, entry(table) + 4, size);
      expect_refused();
    }
  }
}

TEST_F(damaged_doc, a_page_behind_the_stream_or_without_runs_is_refused) {
  for (const auto table : {character_pages, paragraph_pages}) {
    bytes = read_sample("weir.doc");
    const auto page = number_at(place(table) + 8);
    set_number(bytes, place(table) + 8, 0x3FFFFF);
    expect_refused();
    set_number(bytes, place(table) + 8, page);
    const auto runs = fib() + page * 512 + 511;
    bytes[runs] = '\0';
    expect_refused();
    bytes[runs] = '\xFF';
    expect_refused();
  }
}

TEST_F(damaged_doc, pages_that_end_before_the_text_are_refused) {
  for (const auto table : {character_pages, paragraph_pages}) {
    bytes = read_sample("weir.doc");
    const auto page = fib() + number_at(place(table) + 8) * 512;
    const auto runs = static_cast<unsigned char>(bytes[page + 511]);
    const auto end = page + 4 * std::size_t{runs};
    set_number(bytes, end, number_at(end) - 1);
    expect_refused();
  }
}

TEST_F(damaged_doc, pieces_that_go_back_or_reach_behind_the_stream_are_refused) {
  const auto first = place(pieces) + 5;  // three numbers of characters, then two pieces
  for (const auto& [at, value] :
       std::vector<std::pair<std::size_t, std::uint32_t>>{{first + 4, 0xFFFFFFFF},
                                                          {first, 0x7FFFFFFF},
                                                          {first + 8, 0x00FFFFFF},
                                                          {first + 12 + 2, 0x7FFFFFFE},
                                                          {first + 20 + 2, 0x3FFFFFFF},
                                                          {first - 4, 3},
                                                          {first - 4, 0xFFFFFFFF}}) {
    bytes = read_sample("weir.doc");
    set_number(bytes, at, value);
    expect_refused();
  }
}

TEST_F(damaged_doc, a_second_table_of_pieces_is_refused) {
  set_number(bytes, entry(pieces) + 4, number_at(entry(pieces) + 4) + 1);
  bytes[place(pieces) + number_at(entry(pieces) + 4) - 1] = '\2';
  expect_refused();
}

TEST(doc, text_over_the_limit_is_refused_before_it_is_read) {
  parse_limits limits;
  limits.max_text_bytes = 100;
  const auto error = parse_error(read_sample("weir.doc"), limits);
  EXPECT_EQ(error.code, ec::limit_exceeded);
  EXPECT_THAT(error.message, HasSubstr("more than 100 characters"));
}

TEST(doc, of_a_version_before_word_6_is_named) {
  auto bytes = read_sample("weir.doc");
  bytes[bytes.find("\xEC\xA5\xC1") + 2] = 45;  // nFib of Word 2
  const auto error = parse_error(bytes);
  EXPECT_EQ(error.code, ec::unsupported_format) << error.message;
  EXPECT_THAT(error.message, HasSubstr("before Word 6"));
}

TEST(doc, one_document_after_an_encrypted_one_is_read_from_its_own_bytes) {
  const auto weir = read_sample("weir.doc");
  const auto before = lines_of(parse(weir));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(parse_error(read_sample("password.doc")).code, ec::encrypted_document);
    EXPECT_EQ(lines_of(parse(weir)), before);
  }
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

TEST(ppt, directories_that_are_named_again_and_again_are_read_up_to_a_limit) {
  constexpr std::uint32_t numbers = 200'000;
  std::string places;
  for (std::uint32_t i = 0; i < numbers / 2; ++i) places += number(1U << 20 | 7) + number(0);
  const auto large = record(0x1772, places);
  const auto small = record(0x1772, number(1U << 20 | 5) + number(0));
  const auto small_at = static_cast<std::uint32_t>(large.size());
  // Whether the directory of the first edit is read, behind so many that name the large one.
  const auto finds_first = [&](std::uint32_t later) {
    auto stream = large + small;
    std::uint32_t before = 0;
    for (std::uint32_t i = 0; i <= later; ++i) {
      const auto at = static_cast<std::uint32_t>(stream.size());
      stream += record(0x0FF5, number(0) + number(0) + number(before) +
                                   number(i == 0 ? small_at : 0) + number(1));
      before = at;
    }
    return ppt_parts(stream, before).find(5).has_value();
  };
  EXPECT_TRUE(finds_first(ppt_parts::max_numbers / numbers - 1));
  EXPECT_FALSE(finds_first(ppt_parts::max_numbers / numbers + 1));
}

TEST(ppt, a_text_that_a_slide_names_again_counts_again) {
  const auto blank = [](std::string& bytes, const std::string& text, bool is_wide) {
    const auto wide = std::string(is_wide ? 1 : 0, '\0');
    std::string old, spaces;
    for (const char c : text) old += c + wide, spaces += ' ' + wide;
    const auto at = bytes.find(old);
    ASSERT_NE(at, std::string::npos) << text;
    bytes.replace(at, old.size(), spaces);
  };
  auto bytes = read_sample("winter.ppt");
  // Of blanks nothing is left in the document that would count there.
  blank(bytes, "A talk for the trustees", false);
  blank(bytes, "Break it by hand", true);
  blank(bytes, "Never from a boat ", true);
  blank(bytes, " ever", true);
  parse_limits limits;
  limits.max_text_bytes = 100;
  EXPECT_EQ(parse_error(bytes, limits).code, ec::none);
  // The second slide names its title and its body; now the body twice.
  const auto names = record(0x0F9E, number(1));
  const auto body = bytes.find(names);
  ASSERT_NE(body, std::string::npos);
  const auto title = bytes.rfind(record(0x0F9E, number(0)), body);
  ASSERT_NE(title, std::string::npos);
  bytes.replace(title, names.size(), names);
  const auto error = parse_error(bytes, limits);
  EXPECT_EQ(error.code, ec::limit_exceeded);
  EXPECT_THAT(error.message, HasSubstr("a slide of the presentation"));
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
  for (const auto* name : {"weir.doc", "winter.ppt"}) {
    const auto whole = read_sample(name);
    const auto error = parse_error(whole.substr(0, 1600));
    EXPECT_EQ(error.code, ec::malformed_document) << name;
    EXPECT_THAT(error.message, HasSubstr("cut off or damaged")) << name;
  }
}

}  // namespace
}  // namespace millrace::parsers
