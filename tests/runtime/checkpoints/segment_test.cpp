#include "runtime/checkpoints/segment.hpp"

#include <random>

#include <gtest/gtest.h>

namespace millrace {
namespace {

std::vector<embedding_bytes> some_embeddings(int count, std::size_t size) {
  std::mt19937 random{42};
  std::vector<embedding_bytes> all;
  for (int i = 0; i < count; ++i) {
    auto& e = all.emplace_back(size, '\0');
    for (auto& c : e) c = static_cast<char>(random());
  }
  return all;
}

TEST(segment, comes_back_as_it_was) {
  for (const auto& embeddings :
       {some_embeddings(256, 1024), some_embeddings(1, 0), std::vector<embedding_bytes>{}}) {
    const auto segment = encode_segment(embeddings);
    ASSERT_FALSE(segment.empty());
    EXPECT_EQ(decode_segment(segment), embeddings);
  }
}

TEST(segment, a_truncated_one_is_nothing) {
  const auto segment = encode_segment(some_embeddings(20, 64));
  for (std::size_t size = 0; size < segment.size(); ++size)
    ASSERT_FALSE(decode_segment(segment.substr(0, size))) << size << " bytes";
  EXPECT_FALSE(decode_segment(segment + "x"));
}

TEST(segment, one_with_a_flipped_bit_is_never_taken_for_something_else) {
  const auto embeddings = some_embeddings(20, 64);
  const auto segment = encode_segment(embeddings);
  for (std::size_t bit = 0; bit < segment.size() * 8; ++bit) {
    auto flipped = segment;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto decoded = decode_segment(flipped);
    // A flip in a part that the format does not use may go unseen, if the content is the same.
    ASSERT_TRUE(!decoded || *decoded == embeddings) << "bit " << bit;
  }
}

TEST(segment, one_that_claims_to_be_huge_is_refused_before_memory_is_taken) {
  EXPECT_TRUE(
      encode_segment(std::vector<embedding_bytes>{std::string(max_segment_content, 'x')}).empty());
  EXPECT_FALSE(
      decode_segment(std::string{"\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f", 13}));
}

TEST(segment, a_key_is_of_content_options_and_model) {
  const auto key = checkpoint_key("aa", "chunk=512/64", "m/256");
  EXPECT_EQ(key.size(), 32U);
  EXPECT_EQ(key, checkpoint_key("aa", "chunk=512/64", "m/256"));
  EXPECT_NE(key, checkpoint_key("ab", "chunk=512/64", "m/256"));
  EXPECT_NE(key, checkpoint_key("aa", "chunk=256/64", "m/256"));
  EXPECT_NE(key, checkpoint_key("aa", "chunk=512/64", "m/512"));
}

}  // namespace
}  // namespace millrace
