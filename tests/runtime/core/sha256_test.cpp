#include "runtime/core/sha256.hpp"

#include <filesystem>

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(sha256, agrees_with_the_standards_examples) {  // FIPS 180-4, "abc" and the empty message
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(sha256, pieces_hash_like_the_whole) {
  sha256 pieces;
  pieces.update("a");
  pieces.update("bc");
  EXPECT_EQ(pieces.hex(), sha256_hex("abc"));
}

TEST(sha256, a_missing_file_is_named) {
  const auto outcome = sha256_file("/nonexistent/file");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::source_missing);
  EXPECT_NE(outcome.error().message.find("/nonexistent/file"), std::string::npos);
}

}  // namespace
}  // namespace millrace
