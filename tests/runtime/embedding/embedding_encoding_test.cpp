#include "runtime/embedding/embedding_encoding.hpp"

#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(embedding_encoding, floats_are_little_endian_ieee_754) {
  EXPECT_EQ(encode_embedding({1.0F, -2.0F}), (std::string{"\0\0\x80\x3F\0\0\0\xC0", 8}));
}

TEST(embedding_encoding, a_vector_comes_back) {
  const std::vector<float> vector = {0.1F, -3e-20F, 4e20F, 0};
  EXPECT_EQ(decode_embedding(encode_embedding(vector)), vector);
  EXPECT_FALSE(decode_embedding("12345"));
}

TEST(embedding_encoding, infinities_and_nan_are_found_in_any_place) {
  EXPECT_TRUE(all_finite(encode_embedding({0, 1, -1})));
  EXPECT_FALSE(all_finite(encode_embedding({0, 1, std::numeric_limits<float>::infinity()})));
  EXPECT_FALSE(all_finite(encode_embedding({std::numeric_limits<float>::quiet_NaN(), 1})));
}

// RFC 4648, section 10.
TEST(embedding_encoding, base64_follows_the_rfc) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
}

TEST(embedding_encoding, base64_without_padding_is_read) {
  EXPECT_EQ(decode_base64("Zm8"), "fo");
  EXPECT_EQ(decode_base64("Zg"), "f");
}

TEST(embedding_encoding, what_is_no_base64_is_refused) {
  for (const char* text : {"Z", "Zm9v!", "Zm 9", "Z===", "=", "Zg==Zg=="})
    EXPECT_FALSE(decode_base64(text)) << text;
}

TEST(embedding_encoding, any_bytes_survive_base64) {
  std::mt19937 random{3};
  for (int i = 0; i < 300; ++i) {
    std::string bytes(random() % 50, '\0');
    for (auto& b : bytes) b = static_cast<char>(random() % 256);
    ASSERT_EQ(decode_base64(encode_base64(bytes)), bytes);
  }
}

}  // namespace
}  // namespace millrace
