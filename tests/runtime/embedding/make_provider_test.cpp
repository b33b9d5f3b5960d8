#include <cstdlib>

#include <gmock/gmock.h>

#include "runtime/embedding/provider.hpp"

namespace millrace {
namespace {

using testing::HasSubstr;

TEST(make_provider, the_default_is_hashing) {
  const auto p = make_embedding_provider(embedder_settings{}, nullptr);
  ASSERT_TRUE(p);
  EXPECT_EQ((*p)->model(), "hashing-v1");
  EXPECT_EQ((*p)->dimensions(), 256);
}

TEST(make_provider, openai_needs_a_key_that_is_there) {
  ::unsetenv("MILLRACE_TEST_NO_KEY");
  embedder_settings s;
  s.provider = "openai";
  s.api_key_env = "MILLRACE_TEST_NO_KEY";
  const auto p = make_embedding_provider(s, nullptr);
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().code, ec::invalid_config);
}

TEST(make_provider, openai_takes_its_limits_from_the_settings) {
  embedder_settings s;
  s.provider = "openai";
  s.api_key_env.clear();
  s.max_inputs = 7;
  s.max_request_tokens = 99;
  s.concurrency = 3;
  const auto p = make_embedding_provider(s, nullptr);
  ASSERT_TRUE(p) << p.error().message;
  EXPECT_EQ((*p)->model(), s.model);
  EXPECT_EQ((*p)->limits().max_inputs, 7);
  EXPECT_EQ((*p)->limits().max_tokens, 99);
  EXPECT_EQ((*p)->limits().concurrency, 3);
}

TEST(make_provider, an_unknown_name_and_bad_dimensions_are_refused) {
  embedder_settings s;
  s.provider = "bert";
  EXPECT_THAT(make_embedding_provider(s, nullptr).error().message, HasSubstr("bert"));
  s.provider = "hashing";
  for (const int dimensions : {-1, 0, 7, 65'537}) {
    s.dimensions = dimensions;
    EXPECT_FALSE(make_embedding_provider(s, nullptr)) << dimensions;
  }
}

}  // namespace
}  // namespace millrace
