#include "runtime/embedding/word_scanner.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

std::vector<std::uint64_t> scan(std::string_view text) {
  std::vector<std::uint64_t> hashes;
  word_scanner scanner{text};
  for (std::uint64_t hash = 0; scanner.next(hash);) hashes.push_back(hash);
  return hashes;
}

auto words(std::initializer_list<const char*> folded) {
  std::vector<std::uint64_t> hashes;
  for (const char* w : folded) hashes.push_back(word_hash(w));
  return ElementsAreArray(hashes);
}

TEST(word_scanner, words_are_letters_and_digits) {
  EXPECT_THAT(scan("The mill, no. 7: it's (still) turning!"),
              words({"the", "mill", "no", "7", "it", "s", "still", "turning"}));
}

TEST(word_scanner, case_is_folded_in_latin_greek_and_cyrillic) {
  EXPECT_EQ(scan("MILL ΜΎΛΟΣ МЕЛЬНИЦА ÆTHER"), scan("mill μύλος мельница æther"));
}

TEST(word_scanner, accents_do_not_matter) {
  EXPECT_EQ(scan("Mühle café ŁÓDŹ Ёлка"), scan("muhle cafe łodz елка"));
}

TEST(word_scanner, composed_and_decomposed_letters_are_one_word) {
  EXPECT_EQ(scan("cafe\u0301"), scan("caf\u00E9"));
}

TEST(word_scanner, final_sigma_is_sigma) {
  EXPECT_EQ(scan("ΜΥΛΟΣ"), scan("μυλος"));
}

TEST(word_scanner, full_width_letters_are_letters) {
  EXPECT_EQ(scan("ＡＢ１"), scan("ab1"));
}

TEST(word_scanner, each_ideograph_and_kana_is_a_word) {
  EXPECT_THAT(scan("水車は。回るmill"), words({"水", "車", "は", "回", "る", "mill"}));
}

TEST(word_scanner, soft_hyphens_and_joiners_do_not_split_a_word) {
  EXPECT_EQ(scan("mill\u00ADrace mill\u200Brace"), scan("millrace millrace"));
}

TEST(word_scanner, punctuation_and_emoji_are_no_words) {
  EXPECT_THAT(scan(" —…!? 😀 ×÷ ★ "), IsEmpty());
}

TEST(word_scanner, bytes_that_are_no_utf8_separate_words) {
  EXPECT_THAT(scan("mill\xFFrace \xE6\xB0"), words({"mill", "race"}));
}

// Stored embeddings depend on these: a change needs a new model name.
TEST(word_scanner, hashes_never_change) {
  EXPECT_THAT(scan("mill Мельница 水"),
              ElementsAre(0xb62a1ac049e02a21ULL, 0x88e0dcb381a538bbULL, 0x9914cc4110b19d15ULL));
}

}  // namespace
}  // namespace millrace
