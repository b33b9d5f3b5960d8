#include "runtime/http/message.hpp"

#include <random>

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

TEST(parse_target, decodes_path_and_query) {
  request r;
  ASSERT_TRUE(parse_target("/a%20b/c%2Fd?x=1&y=2%263&flag&z=a+b", r));
  EXPECT_EQ(r.path, "/a b/c/d");
  EXPECT_EQ(r.raw_path, "/a%20b/c%2Fd");
  EXPECT_EQ(r.query, (std::map<std::string, std::string>{
                         {"x", "1"}, {"y", "2&3"}, {"flag", ""}, {"z", "a b"}}));
}

TEST(parse_target, a_plus_in_the_path_is_a_plus) {
  request r;
  ASSERT_TRUE(parse_target("/a+b", r));
  EXPECT_EQ(r.path, "/a+b");
}

TEST(parse_target, a_malformed_escape_is_refused_wherever_it_is) {
  request r;
  for (const auto* target : {"/%", "/%2", "/%zz", "/a?x=%", "/a?%g0=1"})
    EXPECT_FALSE(parse_target(target, r)) << target;
}

TEST(percent_encoding, leads_back_to_any_bytes) {
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    std::string bytes(random() % 40, '\0');
    for (auto& b : bytes) b = static_cast<char>(random());
    std::string decoded;
    ASSERT_TRUE(percent_decode(percent_encode(bytes), decoded));
    EXPECT_EQ(decoded, bytes);
  }
}

TEST(percent_encoding, slashes_are_kept_on_request) {
  EXPECT_EQ(percent_encode("a/b c"), "a%2Fb%20c");
  EXPECT_EQ(percent_encode("a/b c", true), "a/b%20c");
}

TEST(format_target, is_what_parse_target_reads) {
  request r;
  r.path = "/v1/a b";
  r.query = {{"status", "failed"}, {"q", "a&b=c"}};
  request read;
  ASSERT_TRUE(parse_target(format_target(r), read));
  EXPECT_EQ(read.path, r.path);
  EXPECT_EQ(read.query, r.query);
}

TEST(error_response, carries_code_sentence_and_status) {
  const auto r = error_response({ec::insufficient_credits, "account \"a\" has 3"});
  EXPECT_EQ(r.status, 402);
  EXPECT_EQ(r.content_type, "application/json");
  EXPECT_EQ(r.body, R"({"error":{"code":"insufficient_credits","message":"account \"a\" has 3"}})");
  EXPECT_TRUE(error_response({ec::draining, ""}).headers.contains("Retry-After"));
}

}  // namespace
}  // namespace millrace::http
