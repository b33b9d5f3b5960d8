#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include "config/load.hpp"
#include "config/settings_schema.hpp"
#include "tests/config/parse_for_test.hpp"

namespace millrace {
namespace {

using testing::HasSubstr;

/// Every value differs from its default, and texts hold what needs escaping.
settings changed_settings() {
  settings s;
  s.cluster = {"west", {"c\"1.pem", "k\\1.pem", "ä\n.pem"}};
  s.database.url = "postgresql://me@db/x";
  s.database.recycle = std::chrono::milliseconds{90'001};
  s.extraction.large_file = {50'000'001};
  s.extraction.memory_budget = "3GiB";
  s.credits.initial_grant = 9'000'000'000;
  s.credits.enabled = false;
  s.prices = {0.1, 2};
  s.sources.allow = {"file:///a,b", "file:///'\"c"};
  s.api.listen = "";
  s.node = {{"a", "127.0.0.1", 4700, {"all"}}, {"b", "127.0.0.1", 4701, {"ledger", "embedder"}}};
  s.extractor = {{"text/x-log", {"/usr/bin/parse log", "--pipe"}}};
  return s;
}

TEST(render, what_is_rendered_parses_back_to_the_same) {
  const std::string text = render_settings(changed_settings());
  const auto parsed = parse_settings(text, "test.toml", {});
  ASSERT_TRUE(parsed) << parsed.error().to_string() << '\n' << text;
  EXPECT_EQ(render_settings(*parsed), text);
  EXPECT_EQ(parsed->cluster.tls.ca, "ä\n.pem");
  EXPECT_EQ(parsed->sources.allow, changed_settings().sources.allow);
  EXPECT_EQ(parsed->node.at(1).roles, changed_settings().node.at(1).roles);
  EXPECT_EQ(parsed->prices.per_million_tokens, 0.1);
}

TEST(render, every_key_stands_below_its_documentation) {
  EXPECT_THAT(
      render_settings(settings{}),
      HasSubstr("# Most documents that are claimed at once. (a whole number from 1 to 1000)\n"
                "batch_size = 100\n"));
  std::istringstream lines(render_settings(changed_settings()));
  std::string before;
  for (std::string line; std::getline(lines, line); before = line) {
    EXPECT_LE(line.size(), 120U) << line;
    if (line.find(" = ") != std::string::npos && !line.starts_with('#')) {
      EXPECT_TRUE(before.starts_with("# ")) << line;
    }
  }
}

TEST(render, json_is_nested_like_the_tables) {
  const std::string json = render_settings_json(changed_settings());
  EXPECT_THAT(json, HasSubstr(R"("queue": {"source": "postgres", "batch_size": 100,)"));
  EXPECT_THAT(
      json,
      HasSubstr(R"("tls": {"certificate": "c\"1.pem", "key": "k\\1.pem", "ca": "ä\u000a.pem"}})"));
  EXPECT_THAT(json,
              HasSubstr(R"("prices": {"per_million_tokens": 0.1, "per_gigabyte_hour": 2.0})"));
  EXPECT_THAT(
      json,
      HasSubstr(
          R"({"name": "b", "host": "127.0.0.1", "port": 4701, "api": "", "roles": ["ledger", "embedder"]}])"));
  EXPECT_EQ(json.front(), '{');
  EXPECT_EQ(json.back(), '}');
  EXPECT_EQ(std::ranges::count(json, '{'), std::ranges::count(json, '}'));
}

TEST(schema, every_key_is_there_once_and_its_default_keeps_its_rules) {
  std::set<std::string_view> paths;
  for (const auto& key : settings_keys()) {
    EXPECT_TRUE(paths.insert(key.path).second) << key.path;
    EXPECT_FALSE(key.doc.empty()) << key.path;
  }
  // The defaults as a file: the loader checks each against its rules.
  EXPECT_EQ(error_of(render_settings(settings{})), "no error");
}

TEST(schema, no_two_keys_share_a_member) {
  settings s;
  std::set<const void*> places;
  for (const auto& key : settings_keys())
    std::visit([&](const auto* place) { EXPECT_TRUE(places.insert(place).second) << key.path; },
               key.member(s));
}

}  // namespace
}  // namespace millrace
