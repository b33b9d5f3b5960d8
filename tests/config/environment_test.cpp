#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "config/load.hpp"
#include "tests/config/parse_for_test.hpp"

namespace millrace {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(environment, a_variable_overrides_the_file) {
  const auto parsed = parse_settings("[queue]\nbatch_size = 3\n", "test.toml",
                                     {{"MILLRACE_QUEUE__BATCH_SIZE", "5"},
                                      {"MILLRACE_STATUS__DEBOUNCE", "250ms"},
                                      {"MILLRACE_CREDITS__ENABLED", "false"},
                                      {"MILLRACE_CLUSTER__NAME", "west"},
                                      {"MILLRACE_SOURCES__ALLOW", "file:///a,file:///b"}});
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->queue.batch_size, 5);
  EXPECT_EQ(parsed->status.debounce, std::chrono::milliseconds{250});
  EXPECT_FALSE(parsed->credits.enabled);
  EXPECT_EQ(parsed->cluster.name, "west");
  EXPECT_EQ(parsed->sources.allow, (std::vector<std::string>{"file:///a", "file:///b"}));
}

TEST(environment, a_nested_key_has_two_separators) {
  const auto parsed = parse_settings("", "test.toml",
                                     {{"MILLRACE_CLUSTER__TLS__CERTIFICATE", "c"},
                                      {"MILLRACE_CLUSTER__TLS__KEY", "k"},
                                      {"MILLRACE_CLUSTER__TLS__CA", "a"}});
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->cluster.tls.certificate, "c");
}

TEST(environment, an_empty_text_is_a_value) {
  const auto parsed = parse_settings("", "test.toml", {{"MILLRACE_API__LISTEN", ""}});
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->api.listen, "");
}

TEST(environment, variables_that_are_no_overrides_are_ignored) {
  EXPECT_EQ(error_of("", {{"MILLRACE_DATA", "/x"},
                          {"MILLRACE_ENDPOINT", "x"},
                          {"MILLRACE_TOKEN", "x"},
                          {"MILLRACE_EXTRACTOR", "x"},
                          {"OTHER__NAME", "x"}}),
            "no error");
}

TEST(environment, an_unknown_override_names_the_variable_and_the_nearest) {
  EXPECT_EQ(error_of("", {{"MILLRACE_QUEUE__BATCHSIZE", "5"}}),
            "environment: MILLRACE_QUEUE__BATCHSIZE overrides no known key; did you mean "
            "`MILLRACE_QUEUE__BATCH_SIZE`?");
  EXPECT_EQ(error_of("", {{"MILLRACE_NODE__PORT", "5"}}),
            "environment: MILLRACE_NODE__PORT names an array of tables, which only a file can set");
}

TEST(environment, an_override_is_checked_like_the_file) {
  EXPECT_EQ(error_of("", {{"MILLRACE_DATABASE__POOL_SIZE", "0"}}),
            "environment: MILLRACE_DATABASE__POOL_SIZE is \"0\", expected a whole number from 1 "
            "to 1000");
  EXPECT_THAT(error_of("", {{"MILLRACE_DATABASE__POOL_SIZE", "8 "}}), HasSubstr("is \"8 \""));
  EXPECT_THAT(error_of("", {{"MILLRACE_DATABASE__PRE_PING", "yes"}}), HasSubstr("true or false"));
  EXPECT_THAT(error_of("", {{"MILLRACE_LOG__LEVEL", "loud"}}), HasSubstr("\"trace\""));
}

TEST(environment, a_conflict_blames_the_variable_that_made_it) {
  EXPECT_THAT(
      error_of("[chunking]\nmax_tokens = 100\n", {{"MILLRACE_CHUNKING__OVERLAP_TOKENS", "100"}}),
      AllOf(HasSubstr("environment: "), HasSubstr("`chunking.overlap_tokens` (100)")));
}

TEST(environment, secrets_are_refused_without_being_repeated) {
  EXPECT_THAT(error_of("", {{"MILLRACE_EMBEDDER__API_KEY", "sk-hidden"}}),
              AllOf(HasSubstr("MILLRACE_EMBEDDER__API_KEY"), HasSubstr("api_key_env"),
                    Not(HasSubstr("hidden"))));
  EXPECT_THAT(error_of("", {{"MILLRACE_DATABASE__URL", "postgresql://me:hidden@host/db"}}),
              AllOf(HasSubstr("PGPASSWORD"), Not(HasSubstr("hidden"))));
}

TEST(environment, the_process_environment_holds_our_variables_only) {
  ASSERT_EQ(setenv("MILLRACE_QUEUE__BATCH_SIZE", "17", 1), 0);
  ASSERT_EQ(setenv("NOT_MILLRACE_QUEUE__BATCH_SIZE", "18", 1), 0);
  const environment env = process_environment();
  ASSERT_EQ(unsetenv("MILLRACE_QUEUE__BATCH_SIZE"), 0);
  ASSERT_EQ(unsetenv("NOT_MILLRACE_QUEUE__BATCH_SIZE"), 0);
  ASSERT_TRUE(env.contains("MILLRACE_QUEUE__BATCH_SIZE"));
  EXPECT_EQ(env.at("MILLRACE_QUEUE__BATCH_SIZE"), "17");
  EXPECT_FALSE(env.contains("NOT_MILLRACE_QUEUE__BATCH_SIZE"));
}

}  // namespace
}  // namespace millrace
