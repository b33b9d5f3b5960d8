#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "config/load.hpp"
#include "config/quickstart.hpp"

namespace millrace {
namespace {

const std::filesystem::path config_directory = MILLRACE_CONFIG_DIR;

TEST(shipped_files, all_of_them_are_valid) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(config_directory)) {
    if (entry.path().extension() != ".toml") continue;
    ++files;
    const auto loaded = load_settings(entry.path(), {});
    EXPECT_TRUE(loaded) << loaded.error().to_string();
  }
  EXPECT_GE(files, 3);
}

TEST(shipped_files, the_built_in_quickstart_is_the_shipped_one) {
  std::ifstream in(config_directory / "quickstart.toml", std::ios::binary);
  ASSERT_TRUE(in);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), quickstart_toml);
}

TEST(shipped_files, the_quickstart_needs_no_network_and_can_pay) {
  const auto s = quickstart_settings({});
  ASSERT_TRUE(s) << s.error().to_string();
  EXPECT_EQ(s->database.url, "embedded:");
  EXPECT_EQ(s->embedder.provider, "hashing");
  EXPECT_EQ(s->api.listen, "");
  EXPECT_EQ(s->credits.initial_grant, 1'000'000);
}

TEST(shipped_files, the_environment_overrides_the_quickstart) {
  const auto s = quickstart_settings({{"MILLRACE_EMBEDDER__DIMENSIONS", "64"}});
  ASSERT_TRUE(s) << s.error().to_string();
  EXPECT_EQ(s->embedder.dimensions, 64);
  const auto refused = quickstart_settings({{"MILLRACE_CHUNKING__MAX_TOKENS", "64"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().file, "built-in");
}

}  // namespace
}  // namespace millrace
