#include "runtime/checkpoints/segment.hpp"

#include <random>

#include <gtest/gtest.h>

namespace millrace {
namespace {

std::string some_bytes(std::size_t size) {
  std::mt19937 random{42};
  std::string bytes(size, '\0');
  for (auto& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(segment, comes_back_as_it_was) {
  for (const auto& content : {some_bytes(256 << 10), std::string(1 << 20, 'x'), std::string{}}) {
    const auto segment = pack_segment(content);
    ASSERT_FALSE(segment.empty());
    EXPECT_EQ(unpack_segment(segment), content);
  }
}

TEST(segment, a_truncated_one_is_nothing) {
  const auto segment = pack_segment(some_bytes(1200));
  for (std::size_t size = 0; size < segment.size(); ++size)
    ASSERT_FALSE(unpack_segment(segment.substr(0, size))) << size << " bytes";
  EXPECT_FALSE(unpack_segment(segment + "x"));
}

TEST(segment, one_with_a_flipped_bit_is_never_taken_for_something_else) {
  const auto content = some_bytes(1200);
  const auto segment = pack_segment(content);
  for (std::size_t bit = 0; bit < segment.size() * 8; ++bit) {
    auto flipped = segment;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto unpacked = unpack_segment(flipped);
    // A flip in a part that the format does not use may go unseen, if the content is the same.
    ASSERT_TRUE(!unpacked || *unpacked == content) << "bit " << bit;
  }
}

TEST(segment, one_that_claims_to_be_huge_is_refused_before_memory_is_taken) {
  EXPECT_TRUE(pack_segment(std::string(max_segment_content, 'x')).empty());
  EXPECT_FALSE(
      unpack_segment(std::string{"\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f", 13}));
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
