#include "runtime/chunking/text_pieces.hpp"

#include <gmock/gmock.h>

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(text_pieces, a_sentence_ends_at_a_stop_before_white_space) {
  EXPECT_THAT(split_sentences("One here. Two there! Three? Four…  Five"),
              ElementsAre("One here.", "Two there!", "Three?", "Four…", "Five"));
}

TEST(text_pieces, abbreviations_and_initials_do_not_end_a_sentence) {
  EXPECT_THAT(split_sentences("Dr. J. Smith met Mrs. Jones, e.g. Ann. They left."),
              ElementsAre("Dr. J. Smith met Mrs. Jones, e.g. Ann.", "They left."));
  EXPECT_THAT(split_sentences("Das gilt z.B. Montag bzw. Dienstag. Danach nicht."),
              ElementsAre("Das gilt z.B. Montag bzw. Dienstag.", "Danach nicht."));
  EXPECT_THAT(split_sentences("Это ул. Мира, см. Рис. 3. Там дом."),
              ElementsAre("Это ул. Мира, см. Рис. 3. Там дом."));
}

TEST(text_pieces, decimals_ordinals_and_addresses_do_not_end_a_sentence) {
  EXPECT_THAT(split_sentences("Pi is 3.14 on www.example.org today. So."),
              ElementsAre("Pi is 3.14 on www.example.org today.", "So."));
  EXPECT_THAT(split_sentences("Am 3. Oktober war es so. Es blieb."),
              ElementsAre("Am 3. Oktober war es so.", "Es blieb."));
  EXPECT_THAT(split_sentences("It was 1999. All danced."),
              ElementsAre("It was 1999.", "All danced."));
}

TEST(text_pieces, a_lower_case_letter_continues_the_sentence) {
  EXPECT_THAT(split_sentences("Really? he asked. Yes."), ElementsAre("Really? he asked.", "Yes."));
  EXPECT_THAT(split_sentences("Да! сказал он. Нет."), ElementsAre("Да! сказал он.", "Нет."));
}

TEST(text_pieces, closing_quotes_belong_to_the_sentence) {
  EXPECT_THAT(split_sentences("\"Go!\" She went. (It rained.) Then"),
              ElementsAre("\"Go!\"", "She went.", "(It rained.)", "Then"));
}

TEST(text_pieces, wide_stops_end_a_sentence_without_white_space) {
  EXPECT_THAT(split_sentences("人人生而自由。他们赋有理性！「好。」是吗？"),
              ElementsAre("人人生而自由。", "他们赋有理性！", "「好。」", "是吗？"));
}

TEST(text_pieces, an_empty_line_ends_a_sentence) {
  EXPECT_THAT(split_sentences("no stop\n \nnext\nline"), ElementsAre("no stop", "next\nline"));
}

TEST(text_pieces, lines_keep_their_indentation_and_lose_blank_ones) {
  EXPECT_THAT(split_lines("if x:\n  y()  \n\n\t z\n"), ElementsAre("if x:", "  y()", "\t z"));
}

TEST(text_pieces, white_space_alone_has_no_pieces) {
  EXPECT_THAT(split_sentences(" \n\t "), IsEmpty());
  EXPECT_THAT(split_lines(" \n\t "), IsEmpty());
  EXPECT_THAT(split_words(" \n\t "), IsEmpty());
}

TEST(text_pieces, words_are_what_white_space_separates) {
  EXPECT_THAT(split_words(" a-b\tc,d\n e "), ElementsAre("a-b", "c,d", "e"));
}

TEST(text_pieces, a_prefix_ends_between_characters) {
  const std::string_view word = "漢字漢字";
  for (token_cost budget = 0; budget < estimate_cost(word); ++budget) {
    const auto prefix = longest_prefix(word, ' ', budget);
    EXPECT_EQ(prefix.size() % 3, 0U);
    EXPECT_LE(estimate_cost(prefix), budget);
  }
  EXPECT_EQ(longest_prefix(word, ' ', estimate_cost(word)), word);
}

TEST(text_pieces, a_prefix_does_not_end_before_a_combining_mark) {
  const std::string_view word = "ae\u0301";
  const auto budget = estimate_cost(word) - 1;  // room for all but the accent
  EXPECT_EQ(longest_prefix(word, ' ', budget), "a");
}

}  // namespace
}  // namespace millrace
