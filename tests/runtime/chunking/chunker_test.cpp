#include "runtime/chunking/chunker.hpp"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>

#include "runtime/chunking/token_estimator.hpp"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

element make(element_kind kind, std::string text, std::uint32_t page = 0, std::uint8_t level = 0) {
  element e;
  e.kind = kind;
  e.text = std::move(text);
  e.page = page;
  e.level = level;
  return e;
}
element title(std::string text) {
  return make(element_kind::title, std::move(text), 0, 1);
}
element heading(std::uint8_t level, std::string text) {
  return make(element_kind::heading, std::move(text), 0, level);
}
element paragraph(std::string text, std::uint32_t page = 0) {
  return make(element_kind::paragraph, std::move(text), page);
}

std::vector<chunk> chunks_of(std::vector<element> elements, int max_tokens = 512, int overlap = 0) {
  extracted_document d;
  d.elements = std::move(elements);
  chunking_settings s;
  s.max_tokens = max_tokens;
  s.overlap_tokens = overlap;
  return chunk_document(d, s);
}

/// "Sentence 1 tells of the mill. Sentence 2 ..."
std::string sentences(int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i)
    text += (text.empty() ? "Sentence " : " Sentence ") + std::to_string(i) + " tells of the mill.";
  return text;
}

std::string without_last(std::string s) {
  s.pop_back();
  return s;
}

TEST(chunker, an_empty_document_has_no_chunks) {
  EXPECT_THAT(chunks_of({}), IsEmpty());
  EXPECT_THAT(chunks_of({make(element_kind::page_break, ""), make(element_kind::image, "")}),
              IsEmpty());
}

TEST(chunker, paragraphs_of_a_section_share_a_chunk_until_it_is_full) {
  EXPECT_THAT(chunks_of({paragraph("First."), paragraph("Second.")}),
              ElementsAre(Field(&chunk::text, "First.\n\nSecond.")));
}

TEST(chunker, list_items_stand_on_lines_of_their_own) {
  EXPECT_THAT(chunks_of({paragraph("Buy:"), make(element_kind::list_item, "salt"),
                         make(element_kind::list_item, "flour"), paragraph("Soon.")}),
              ElementsAre(Field(&chunk::text, "Buy:\n\nsalt\nflour\n\nSoon.")));
}

TEST(chunker, a_heading_starts_a_chunk_and_gives_it_its_path) {
  const auto chunks =
      chunks_of({title("Mills"), heading(1, "Water"), paragraph("Wheels."), heading(2, "Old"),
                 paragraph("Stones."), heading(1, "Wind"), paragraph("Sails.")});
  ASSERT_THAT(chunks, SizeIs(3));
  EXPECT_THAT(chunks[0].heading_path, ElementsAre("Mills", "Water"));
  EXPECT_EQ(chunks[0].text, "Mills\n\nWater\n\nWheels.");
  EXPECT_THAT(chunks[1].heading_path, ElementsAre("Mills", "Water", "Old"));
  EXPECT_EQ(chunks[1].text, "Old\n\nStones.");
  EXPECT_THAT(chunks[2].heading_path, ElementsAre("Mills", "Wind"));
}

TEST(chunker, text_before_any_heading_has_an_empty_path) {
  const auto chunks = chunks_of({paragraph("Preface."), heading(1, "One"), paragraph("Text.")});
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_THAT(chunks[0].heading_path, IsEmpty());
  EXPECT_THAT(chunks[1].heading_path, ElementsAre("One"));
}

TEST(chunker, small_sections_are_not_merged) {
  const auto chunks =
      chunks_of({heading(1, "A"), paragraph("a."), heading(1, "B"), paragraph("b.")});
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_THAT(chunks[0].heading_path, ElementsAre("A"));
  EXPECT_THAT(chunks[1].heading_path, ElementsAre("B"));
}

TEST(chunker, a_heading_without_text_is_a_chunk_of_its_own) {
  const auto chunks =
      chunks_of({heading(1, "Empty"), heading(1, "Full"), paragraph("x"), heading(2, "Last")});
  ASSERT_THAT(chunks, SizeIs(3));
  EXPECT_EQ(chunks[0].text, "Empty");
  EXPECT_THAT(chunks[0].heading_path, ElementsAre("Empty"));
  EXPECT_EQ(chunks[2].text, "Last");
  EXPECT_THAT(chunks[2].heading_path, ElementsAre("Full", "Last"));
}

TEST(chunker, a_long_heading_is_whole_in_the_text_and_short_in_the_path) {
  std::string name;
  while (name.size() <= max_heading_bytes) name += "ü";
  const auto chunks = chunks_of({heading(1, name), paragraph("Text.")}, 4'096);
  ASSERT_THAT(chunks, SizeIs(1));
  EXPECT_THAT(chunks[0].text, StartsWith(name));
  EXPECT_EQ(chunks[0].heading_path.front(), name.substr(0, max_heading_bytes));
}

TEST(chunker, a_paragraph_that_does_not_fit_any_more_starts_the_next_chunk) {
  const auto chunks = chunks_of({paragraph(sentences(0, 5)), paragraph(sentences(5, 10))}, 64);
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_EQ(chunks[0].text, sentences(0, 5));
  EXPECT_EQ(chunks[1].text, sentences(5, 10));
}

TEST(chunker, a_chunk_that_holds_little_is_filled_with_sentences) {
  const auto chunks = chunks_of({heading(1, "Mill"), paragraph(sentences(0, 8))}, 64);
  ASSERT_GE(chunks.size(), 2U);
  EXPECT_THAT(chunks[0].text, StartsWith("Mill\n\nSentence 0"));
}

TEST(chunker, long_paragraphs_are_cut_between_sentences) {
  const auto chunks = chunks_of({paragraph(sentences(0, 100))}, 64);
  ASSERT_GT(chunks.size(), 10U);
  for (const auto& c : chunks) {
    EXPECT_THAT(c.text, StartsWith("Sentence "));
    EXPECT_THAT(c.text, EndsWith("mill."));
    EXPECT_LE(c.tokens, 64U);
  }
}

TEST(chunker, a_chunk_that_continues_repeats_whole_sentences) {
  const auto chunks = chunks_of({paragraph(sentences(0, 40))}, 64, 24);
  ASSERT_GT(chunks.size(), 2U);
  for (std::size_t i = 1; i < chunks.size(); ++i) {
    const auto first_sentence = chunks[i].text.substr(0, chunks[i].text.find('.') + 1);
    const auto at = chunks[i - 1].text.find(first_sentence);
    ASSERT_NE(at, std::string::npos) << chunks[i].text;
    EXPECT_GT(at, 0U);
    const auto repeated = chunks[i - 1].text.substr(at);
    EXPECT_THAT(chunks[i].text, StartsWith(repeated));
    EXPECT_LE(estimate_tokens(repeated), 24U);
  }
}

TEST(chunker, nothing_is_repeated_across_a_heading) {
  const auto chunks = chunks_of(
      {heading(1, "A"), paragraph("Only here."), heading(1, "B"), paragraph("Next.")}, 64, 32);
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_THAT(chunks[1].text, Not(HasSubstr("Only here")));
}

TEST(chunker, an_overlap_leaves_room_for_a_whole_paragraph) {
  const auto big = sentences(10, 15);
  const auto chunks = chunks_of({paragraph(sentences(0, 5)), paragraph(big)},
                                static_cast<int>(estimate_tokens(big)) + 1, 30);
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_EQ(chunks[1].text, big);
}

TEST(chunker, tables_are_cut_between_rows_and_repeat_their_header) {
  const std::string header = "| year | wheels |\n|---|---|\n";
  std::string table = header;
  for (int i = 0; i < 60; ++i) table += "| " + std::to_string(1900 + i) + " | three |\n";
  const auto chunks = chunks_of({make(element_kind::table, without_last(table))}, 64, 16);
  ASSERT_GT(chunks.size(), 3U);
  int rows = 0;
  for (const auto& c : chunks) {
    EXPECT_THAT(c.text, StartsWith(header));
    EXPECT_THAT(c.text, EndsWith(" three |"));
    rows += static_cast<int>(std::count(c.text.begin(), c.text.end(), '\n')) - 1;
  }
  EXPECT_EQ(rows, 60);
}

TEST(chunker, a_header_row_that_is_too_long_is_not_repeated) {
  std::string header = "|";
  for (int i = 0; i < 20; ++i) header += " column " + std::to_string(i) + " |";
  std::string table = header;
  for (int i = 0; i < 30; ++i) table += "\n| row " + std::to_string(i) + " of the table |";
  const auto chunks = chunks_of({make(element_kind::table, table)}, 144);
  ASSERT_GE(chunks.size(), 3U);
  EXPECT_THAT(chunks[0].text, HasSubstr("column 19"));
  for (std::size_t i = 1; i < chunks.size(); ++i) EXPECT_THAT(chunks[i].text, StartsWith("| row "));
}

TEST(chunker, a_row_over_the_limit_is_cut_between_words) {
  std::string row = "|";
  for (int i = 0; i < 100; ++i) row += " cell |";
  const auto chunks = chunks_of({make(element_kind::table, "| h |\n|---|\n" + row)}, 32);
  for (const auto& c : chunks) EXPECT_LE(c.tokens, 32U);
  EXPECT_GT(chunks.size(), 3U);
}

TEST(chunker, code_is_cut_between_lines_and_keeps_its_indentation) {
  std::string code = "def mill():";
  for (int i = 0; i < 40; ++i) code += "\n    turn(wheel=" + std::to_string(i) + ")";
  const auto chunks = chunks_of({make(element_kind::code, code)}, 64, 32);
  ASSERT_GT(chunks.size(), 2U);
  std::string joined;
  for (const auto& c : chunks) joined += (joined.empty() ? "" : "\n") + c.text;
  EXPECT_EQ(joined, code);
}

TEST(chunker, a_word_over_the_limit_is_cut_between_characters) {
  std::string word;
  for (int i = 0; i < 200; ++i) word += "漢";
  const auto chunks = chunks_of({paragraph("Before."), paragraph(word), paragraph("After.")}, 32);
  std::string joined;
  for (const auto& c : chunks) {
    EXPECT_LE(c.tokens, 32U);
    joined += c.text;
  }
  joined.erase(std::remove(joined.begin(), joined.end(), '\n'), joined.end());
  EXPECT_EQ(joined, "Before." + word + "After.");
}

TEST(chunker, a_chunk_knows_its_pages) {
  const auto chunks = chunks_of(
      {paragraph(sentences(0, 3), 1), paragraph(sentences(3, 5), 2), paragraph(sentences(5, 9), 3)},
      64);
  ASSERT_THAT(chunks, SizeIs(2));
  EXPECT_EQ(chunks[0].page_from, 1U);
  EXPECT_EQ(chunks[0].page_to, 2U);
  EXPECT_EQ(chunks[1].page_from, 3U);
  EXPECT_EQ(chunks[1].page_to, 3U);
}

TEST(chunker, a_limit_too_small_for_a_character_is_raised) {
  const auto chunks = chunks_of({paragraph("😀😀😀😀😀😀😀😀😀😀😀😀")}, 1);
  ASSERT_FALSE(chunks.empty());
  for (const auto& c : chunks) EXPECT_LE(c.tokens, static_cast<std::uint32_t>(min_chunk_tokens));
}

}  // namespace
}  // namespace millrace
