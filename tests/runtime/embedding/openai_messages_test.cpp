#include "runtime/embedding/openai_messages.hpp"

#include <string>

#include <gmock/gmock.h>

#include "runtime/embedding/embedding_encoding.hpp"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::Not;
using meaning = openai_answer::meaning;

std::string base64(const std::vector<float>& v) {
  return encode_base64(encode_embedding(v));
}

TEST(openai_messages, a_request_asks_for_base64_and_escapes_its_inputs) {
  EXPECT_EQ(write_request({"m", 0, {"a \"quote\"\n", "水"}}),
            R"({"model":"m","encoding_format":"base64","input":["a \"quote\"\n","水"]})");
  EXPECT_EQ(write_request({"m", 256, {"a"}}),
            R"({"model":"m","encoding_format":"base64","dimensions":256,"input":["a"]})");
}

TEST(openai_messages, only_third_generation_models_take_dimensions) {
  EXPECT_TRUE(takes_dimensions("text-embedding-3-small"));
  EXPECT_TRUE(takes_dimensions("openai/text-embedding-3-large"));
  EXPECT_FALSE(takes_dimensions("text-embedding-ada-002"));
}

TEST(openai_messages, embeddings_are_mapped_by_index) {
  const auto body = R"({"data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":")" +
                    base64({1, 2}) + R"("}],"usage":{"total_tokens":9}})";
  const auto a = read_answer(200, body, 2, 2);
  ASSERT_EQ(a.what, meaning::embedded) << a.reason;
  EXPECT_EQ(a.results[0], encode_embedding({1, 2}));
  EXPECT_EQ(a.results[1], encode_embedding({3, 4}));
  EXPECT_EQ(a.tokens, 9);
}

TEST(openai_messages, infinite_numbers_reject_their_input_alone) {
  for (const char* bad : {"NaN", "Infinity", "1e300", "-1e300"}) {
    const auto body =
        std::string{R"({"data":[{"index":0,"embedding":[1,2]},{"index":1,"embedding":[1,)"} + bad +
        "]}]}";
    const auto a = read_answer(200, body, 2, 2);
    ASSERT_EQ(a.what, meaning::embedded) << bad;
    EXPECT_TRUE(a.results[0]);
    ASSERT_FALSE(a.results[1]) << bad;
    EXPECT_EQ(a.results[1].error().code, ec::embedding_rejected);
  }
}

TEST(openai_messages, other_dimensions_than_configured_refuse_everything) {
  const auto a = read_answer(200, R"({"data":[{"index":0,"embedding":[1,2,3]}]})", 1, 2);
  EXPECT_EQ(a.what, meaning::refused);
  EXPECT_THAT(a.reason, HasSubstr("3 dimensions where embedder.dimensions is 2"));
}

TEST(openai_messages, an_answer_that_makes_no_sense_is_a_failure) {
  for (const char* body :
       {"", "{", "[]", "{}", R"({"data":{}})", R"({"data":[]})", R"({"data":[1]})",
        R"({"data":[{"embedding":[1,2]}]})", R"({"data":[{"index":1,"embedding":[1,2]}]})",
        R"({"data":[{"index":-1,"embedding":[1,2]}]})", R"({"data":[{"index":0}]})",
        R"({"data":[{"index":0,"embedding":"?"}]})",
        R"({"data":[{"index":0,"embedding":["1",2]}]})"}) {
    EXPECT_EQ(read_answer(200, body, 1, 2).what, meaning::failed) << body;
  }
  const auto* twice = R"({"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]})";
  EXPECT_EQ(read_answer(200, twice, 2, 2).what, meaning::failed);
}

TEST(openai_messages, deep_nesting_does_not_exhaust_the_stack) {
  const std::string deep(2'000'000, '[');
  EXPECT_EQ(read_answer(200, deep, 1, 2).what, meaning::failed);
  EXPECT_EQ(read_answer(400, deep, 1, 2).what, meaning::rejected);
}

std::string error_of(const char* code, const char* param = "") {
  return std::string{R"({"error":{"message":"Said so","code":")"} + code + R"(","param":")" +
         param + "\"}}";
}

TEST(openai_messages, the_two_kinds_of_429_differ) {
  EXPECT_EQ(read_answer(429, error_of("rate_limit_exceeded"), 1, 2).what, meaning::throttled);
  EXPECT_EQ(read_answer(429, "", 1, 2).what, meaning::throttled);
  EXPECT_EQ(read_answer(429, error_of("insufficient_quota"), 1, 2).what, meaning::refused);
  EXPECT_EQ(read_answer(429, R"({"error":{"type":"insufficient_quota"}})", 1, 2).what,
            meaning::refused);
}

TEST(openai_messages, credentials_and_configuration_refuse) {
  for (const int status : {301, 401, 402, 403, 404, 405})
    EXPECT_EQ(read_answer(status, "", 1, 2).what, meaning::refused) << status;
  EXPECT_EQ(read_answer(400, error_of("x", "dimensions"), 1, 2).what, meaning::refused);
  EXPECT_EQ(read_answer(400, error_of("model_not_found"), 1, 2).what, meaning::refused);
}

TEST(openai_messages, what_may_pass_is_a_failure) {
  for (const int status : {408, 409, 500, 502, 503, 504, 529})
    EXPECT_EQ(read_answer(status, "<html>", 1, 2).what, meaning::failed) << status;
}

TEST(openai_messages, what_concerns_the_input_is_rejected) {
  for (const int status : {400, 413, 422})
    EXPECT_EQ(read_answer(status, error_of("max_tokens_per_request", "input"), 1, 2).what,
              meaning::rejected);
}

TEST(openai_messages, the_servers_own_sentence_is_kept_on_one_line_and_short) {
  EXPECT_THAT(read_answer(401, error_of("x"), 1, 2).reason, HasSubstr("HTTP 401: Said so"));
  EXPECT_THAT(read_answer(422, R"({"detail":"bad\ntext"})", 1, 2).reason, HasSubstr("bad text"));
  const auto longer = R"({"error":")" + std::string(100'000, 'x') + "\"}";
  EXPECT_LT(read_answer(500, longer, 1, 2).reason.size(), 600U);
}

}  // namespace
}  // namespace millrace
