#include "config/load.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/config/parse_for_test.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(load, an_empty_file_gives_the_defaults) {
  const auto parsed = parse_settings("", "test.toml", {});
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->database.pool_size, 8);
  EXPECT_EQ(parsed->queue.visibility_timeout, 2h);
  EXPECT_EQ(render_settings(*parsed), render_settings(settings{}));
}

TEST(load, every_type_of_value_is_read) {
  const auto parsed = parse_settings(R"(
    [database]
    pool_size = 3
    pre_ping = false
    recycle = "90m"
    [extraction]
    large_file = "10MB"
    [credits]
    initial_grant = 9000000000
    [prices]
    per_million_tokens = 0.13
    per_gigabyte_hour = 2
    [sources]
    allow = ["file:///a", "file:///b"]
    [cluster]
    name = "demo"
    tls.certificate = "node.pem"
    tls.key = "node.key"
    tls.ca = "ca.pem"
  )",
                                     "test.toml", {});
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->database.pool_size, 3);
  EXPECT_FALSE(parsed->database.pre_ping);
  EXPECT_EQ(parsed->database.recycle, 90min);
  EXPECT_EQ(parsed->extraction.large_file.bytes, 10'000'000U);
  EXPECT_EQ(parsed->credits.initial_grant, 9'000'000'000);
  EXPECT_EQ(parsed->prices.per_million_tokens, 0.13);
  EXPECT_EQ(parsed->prices.per_gigabyte_hour, 2.0);
  EXPECT_EQ(parsed->sources.allow, (std::vector<std::string>{"file:///a", "file:///b"}));
  EXPECT_EQ(parsed->cluster.tls.ca, "ca.pem");
}

TEST(load, nodes_and_extractors_are_read_in_their_order) {
  const auto parsed = parse_settings(R"(
    [[node]]
    name = "a"
    port = 4700
    [[node]]
    name = "b"
    port = 4701
    roles = ["document", "embedder"]
    [[extractor]]
    mime = "text/x-log"
    command = ["/usr/bin/log-parser", "--pipe"]
  )",
                                     "test.toml", {});
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  ASSERT_EQ(parsed->node.size(), 2U);
  EXPECT_EQ(parsed->node[0].name, "a");
  EXPECT_EQ(parsed->node[0].roles, (std::vector<std::string>{"all"}));
  EXPECT_EQ(parsed->node[1].roles, (std::vector<std::string>{"document", "embedder"}));
  ASSERT_EQ(parsed->extractor.size(), 1U);
  EXPECT_EQ(parsed->extractor[0].command.size(), 2U);
}

TEST(load, a_syntax_error_names_its_line) {
  EXPECT_THAT(error_of("[queue]\nbatch_size = = 3\n"), StartsWith("test.toml:2: "));
  EXPECT_THAT(error_of("[queue]\nbatch_size = 3\nbatch_size = 4\n"), StartsWith("test.toml:3: "));
}

TEST(load, an_unknown_key_names_its_line_and_the_nearest_key) {
  EXPECT_EQ(error_of("[queue]\n\nbatchsize = 3\n"),
            "test.toml:3: unknown key `batchsize` in [queue]; did you mean `batch_size`?");
  EXPECT_EQ(error_of("[cluster.tls]\ncertifcate = \"x\"\n"),
            "test.toml:2: unknown key `tls.certifcate` in [cluster]; did you mean "
            "`tls.certificate`?");
  EXPECT_EQ(error_of("[[node]]\nname = \"a\"\nprot = 1\n"),
            "test.toml:3: unknown key `prot` in [node]; did you mean `port`?");
}

TEST(load, a_key_of_another_table_is_sent_there) {
  EXPECT_EQ(error_of("[queue]\npool_size = 3\n"),
            "test.toml:2: unknown key `pool_size` in [queue]; it is a key of [database]");
  EXPECT_EQ(error_of("pool_size = 3\n"),
            "test.toml:1: unknown key `pool_size` outside of any table; it is a key of [database]");
}

TEST(load, a_key_like_no_other_is_answered_with_those_that_exist) {
  EXPECT_EQ(error_of("[documents]\nfrobnicate = 3\n"),
            "test.toml:2: unknown key `frobnicate` in [documents]; known are concurrency, "
            "deadline");
}

TEST(load, an_unknown_table_names_the_nearest_one) {
  EXPECT_EQ(error_of("[databse]\npool_size = 3\n"),
            "test.toml:1: unknown table [databse]; did you mean `database`?");
  EXPECT_EQ(error_of("[[nodes]]\nname = \"a\"\n"),
            "test.toml:1: unknown table [nodes]; did you mean `node`?");
}

TEST(load, a_table_in_place_of_a_value_and_the_reverse_are_refused) {
  EXPECT_EQ(error_of("queue = 3\n"),
            "test.toml:1: `queue` is a table, not a value; write its keys below [queue]");
  EXPECT_EQ(error_of("[queue.batch_size]\nx = 3\n"),
            "test.toml:1: `queue.batch_size` is a table, expected a whole number from 1 to 1000");
  EXPECT_EQ(error_of("[cluster]\ntls = 3\n"), "test.toml:2: `cluster.tls` is a table, not a value");
  EXPECT_EQ(error_of("[node]\nname = \"a\"\n"),
            "test.toml:1: `node` is an array of tables; write each as [[node]]");
}

TEST(load, a_wrong_type_says_what_was_expected) {
  EXPECT_EQ(error_of("[queue]\nbatch_size = \"3\"\n"),
            "test.toml:2: `queue.batch_size` is '3', expected a whole number from 1 to 1000");
  EXPECT_EQ(error_of("[queue]\nbatch_size = 3.0\n"),
            "test.toml:2: `queue.batch_size` is 3.0, expected a whole number from 1 to 1000");
  EXPECT_EQ(error_of("[database]\npre_ping = 1\n"),
            "test.toml:2: `database.pre_ping` is 1, expected true or false");
  EXPECT_EQ(error_of("[sources]\nallow = [1]\n"),
            "test.toml:2: `sources.allow` is [ 1 ], expected a list of texts, each a URL prefix "
            "such as \"file:///srv/documents\"");
}

TEST(load, a_value_beyond_its_limits_is_refused_and_the_limits_are_not) {
  EXPECT_EQ(error_of("[database]\npool_size = 0\n"),
            "test.toml:2: `database.pool_size` is 0, expected a whole number from 1 to 1000");
  EXPECT_EQ(error_of("[database]\npool_size = 1001\n"),
            "test.toml:2: `database.pool_size` is 1001, expected a whole number from 1 to 1000");
  EXPECT_EQ(error_of("[database]\npool_size = 1\n"), "no error");
  EXPECT_EQ(error_of("[database]\npool_size = 1000\n"), "no error");
  EXPECT_THAT(error_of("[embedder]\ntokens_per_minute = 99999999999\n"),
              HasSubstr("expected a whole number"));
  EXPECT_THAT(error_of("[prices]\nper_gigabyte_hour = -0.5\n"), HasSubstr("expected a number"));
  EXPECT_THAT(error_of("[prices]\nper_gigabyte_hour = nan\n"), HasSubstr("expected a number"));
}

TEST(load, a_bad_duration_or_size_shows_the_range_in_its_own_form) {
  EXPECT_EQ(error_of("[queue]\npoll_interval = \"soon\"\n"),
            "test.toml:2: `queue.poll_interval` is 'soon', expected a duration from \"10ms\" to "
            "\"1h\"");
  EXPECT_THAT(error_of("[queue]\npoll_interval = 5\n"), HasSubstr("expected a duration"));
  EXPECT_THAT(error_of("[queue]\npoll_interval = \"1ms\"\n"), HasSubstr("expected a duration"));
  EXPECT_EQ(error_of("[extraction]\nmemory_small = \"4gigs\"\n"),
            "test.toml:2: `extraction.memory_small` is '4gigs', expected a size from \"64MiB\" to "
            "\"1TiB\"");
  EXPECT_THAT(error_of("[extraction]\nmemory_budget = \"170%\"\n"),
              HasSubstr("expected a share such as \"70%\" or a size such as \"16GiB\""));
}

TEST(load, an_unknown_choice_is_answered_with_the_choices) {
  EXPECT_EQ(error_of("[embedder]\nprovider = \"cohere\"\n"),
            "test.toml:2: `embedder.provider` is 'cohere', expected \"hashing\" or \"openai\"");
  EXPECT_EQ(error_of("[log]\nlevel = \"loud\"\n"),
            "test.toml:2: `log.level` is 'loud', expected \"trace\", \"debug\", \"info\", "
            "\"warn\" or \"error\"");
  EXPECT_EQ(error_of("[images]\nocr = \"yes\"\n"),
            "test.toml:2: `images.ocr` is 'yes', expected \"auto\" or \"off\"");
}

TEST(load, unknown_roles_and_empty_ones_are_refused) {
  EXPECT_THAT(
      error_of("[[node]]\nname = \"a\"\nroles = [\"cook\"]\n"),
      AllOf(StartsWith("test.toml:3: `node.roles` is [ 'cook' ]"), HasSubstr("status_aggregator")));
  EXPECT_THAT(error_of("[[node]]\nname = \"a\"\nroles = []\n"), HasSubstr("at least one text"));
}

TEST(load, an_element_without_what_it_needs_is_refused) {
  EXPECT_EQ(error_of("[[node]]\nport = 1\n"), "test.toml:1: this [[node]] has no `name`");
  EXPECT_EQ(error_of("[[extractor]]\nmime = \"text/x-log\"\n"),
            "test.toml:1: this [[extractor]] has no `command`");
}

TEST(load, of_several_errors_the_first_line_wins) {
  EXPECT_THAT(error_of("[queue]\nbatch_size = 0\n[api]\nlisten = \"nowhere\"\n"),
              StartsWith("test.toml:2: `queue.batch_size`"));
}

TEST(load, a_secret_is_refused_and_told_where_to_go) {
  EXPECT_THAT(error_of("[embedder]\napi_key = \"sk-hidden\"\n"),
              AllOf(StartsWith("test.toml:2: "), HasSubstr("`embedder.api_key_env`"),
                    HasSubstr("`embedder.api_key_file`"), Not(HasSubstr("sk-hidden"))));
  EXPECT_THAT(error_of("[database]\npassword = \"hidden\"\n"),
              AllOf(HasSubstr("PGPASSWORD"), Not(HasSubstr("hidden"))));
  EXPECT_THAT(error_of("[api]\ntoken = \"hidden\"\n"),
              AllOf(HasSubstr("MILLRACE_TOKEN"), Not(HasSubstr("hidden"))));
}

TEST(load, a_password_in_a_url_is_refused_and_never_repeated) {
  for (const std::string url :
       {"postgresql://me:hidden@host/db", "postgresql://host/db?password=hidden",
        "postgresql://me:hid/den@host/db", "mysql://me:hidden@host/db",
        "host=localhost password=hidden"}) {
    EXPECT_THAT(error_of("[database]\nurl = \"" + url + "\"\n"),
                AllOf(StartsWith("test.toml:2: "), HasSubstr("PGPASSWORD"), Not(HasSubstr("hid"))))
        << url;
  }
  EXPECT_THAT(error_of("[embedder]\nbase_url = \"https://me:hidden@host/v1\"\n"),
              AllOf(HasSubstr("holds a password"), Not(HasSubstr("hidden"))));
  EXPECT_EQ(error_of("[database]\nurl = \"postgresql://me@host:5432/db\"\n"), "no error");
}

class load_file : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "config-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

TEST_F(load_file, a_file_is_read_and_its_errors_carry_its_path) {
  const auto path = directory_ / "node.toml";
  std::ofstream(path) << "[documents]\nconcurrency = 7\n";
  const auto loaded = load_settings(path, {});
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->documents.concurrency, 7);

  std::ofstream(path) << "[documents]\nconcurrency = 0\n";
  const auto refused = load_settings(path, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().to_string(), StartsWith(path.string() + ":2: "));
}

TEST_F(load_file, a_missing_file_a_folder_and_a_huge_file_are_refused) {
  const auto missing = load_settings(directory_ / "none.toml", {});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().to_string(), HasSubstr("no such file"));

  const auto folder = load_settings(directory_, {});
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().to_string(), HasSubstr("not a file"));

  const auto huge_path = directory_ / "huge.toml";
  std::ofstream(huge_path) << "# huge\n";
  std::filesystem::resize_file(huge_path, 5 << 20);
  const auto huge = load_settings(huge_path, {});
  ASSERT_FALSE(huge);
  EXPECT_THAT(huge.error().to_string(), HasSubstr("4 MiB"));
}

}  // namespace
}  // namespace millrace
