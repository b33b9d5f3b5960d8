#include "runtime/embedding/hashing_provider.hpp"

#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "runtime/core/sha256.hpp"
#include "runtime/embedding/embedding_encoding.hpp"

namespace millrace {
namespace {

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}
double similarity(std::string_view a, std::string_view b) {
  return dot(hash_text(a, 256), hash_text(b, 256));
}

TEST(hashing_provider, every_embedding_has_length_one) {
  std::mt19937 random{5};
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (auto words = random() % 200; words > 0; --words)
      text += "w" + std::to_string(random() % 100) + " ";
    const auto v = hash_text(text, 8 << (random() % 8));
    ASSERT_NEAR(dot(v, v), 1, 1e-5) << text;
  }
}

TEST(hashing_provider, a_text_without_words_has_the_first_axis) {
  for (const char* text : {"", "  \n", "!?... —", "😀"}) {
    const auto v = hash_text(text, 16);
    EXPECT_EQ(v[0], 1.0F);
    EXPECT_EQ(dot(v, v), 1.0);
  }
}

TEST(hashing_provider, texts_that_share_words_are_near) {
  const auto query = "how does a water mill turn its wheel";
  const auto about = "The wheel of a water mill is turned by the river below it.";
  const auto other = "Interest rates rose again in the third quarter of the year.";
  EXPECT_GT(similarity(query, about), similarity(query, other) + 0.15);
}

TEST(hashing_provider, function_words_alone_make_texts_hardly_alike) {
  EXPECT_LT(
      similarity("the price of the bread is in the list", "the height of the dam is on the map"),
      0.35);
}

TEST(hashing_provider, the_order_of_words_matters) {
  EXPECT_LT(similarity("dog bites man today", "man bites dog today"), 0.999);
  EXPECT_GT(similarity("dog bites man today", "man bites dog today"), 0.5);
}

TEST(hashing_provider, case_and_accents_do_not_matter) {
  EXPECT_NEAR(similarity("Die Mühle am Bach", "DIE MUHLE AM BACH"), 1, 1e-6);
}

TEST(hashing_provider, chinese_texts_are_compared_by_character_and_pair) {
  EXPECT_GT(similarity("河水推动水车", "水车在河边"),
            similarity("河水推动水车", "银行利率上升") + 0.1);
}

TEST(hashing_provider, repetition_counts_less_and_less) {
  const auto once = similarity("mill mill stone", "mill");
  const auto often = similarity("mill mill mill mill mill mill mill mill stone", "mill");
  EXPECT_GT(often, once);
  EXPECT_LT(often, 0.999);
}

TEST(hashing_provider, every_one_of_many_words_counts) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "word" + std::to_string(i) + " ";
  const auto v = hash_text(text, 256);
  EXPECT_NEAR(dot(v, v), 1, 1e-5);
  EXPECT_NE(v, hash_text(text + "last", 256));
  EXPECT_NE(v, hash_text(text + "word0", 256));
}

// Stored embeddings depend on this: a change needs a new model name.
TEST(hashing_provider, hashing_v1_never_changes) {
  const auto text =
      "The mill turns; die Mühle dreht sich; мельница вертится; 水车转动。 The mill, 1999!";
  EXPECT_EQ(sha256_hex(encode_embedding(hash_text(text, 256))),
            "017028bbc9fa53a8141c633f8f3b838ae18952af0250cdec2f3bcc8ec92c88b1");
}

TEST(hashing_provider, answers_inside_the_call_in_order) {
  hashing_provider provider{64};
  bool called = false;
  provider.embed({"one", "", "three"}, [&](result<embedding_results> r) {
    called = true;
    ASSERT_TRUE(r);
    ASSERT_EQ(r->size(), 3U);
    EXPECT_EQ((*r)[0], encode_embedding(hash_text("one", 64)));
    EXPECT_EQ((*r)[1], encode_embedding(hash_text("", 64)));
    EXPECT_EQ((*r)[2], encode_embedding(hash_text("three", 64)));
  });
  EXPECT_TRUE(called);
  EXPECT_EQ(provider.model(), "hashing-v1");
  EXPECT_EQ(provider.dimensions(), 64);
}

}  // namespace
}  // namespace millrace
