#include "runtime/commit/embedding_store.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

std::string value_of(std::size_t i) {
  return std::string(100 + i % 7, static_cast<char>('a' + i % 26)) + std::to_string(i);
}

/// $TMPDIR, while it lives.
class temporary_folder_of_programs {
 public:
  explicit temporary_folder_of_programs(const std::string& path) {
    if (const char* before = std::getenv("TMPDIR")) before_ = before;
    ::setenv("TMPDIR", path.c_str(), 1);
  }
  ~temporary_folder_of_programs() {
    if (before_.empty())
      ::unsetenv("TMPDIR");
    else
      ::setenv("TMPDIR", before_.c_str(), 1);
  }

 private:
  std::string before_;
};

TEST(embedding_store, few_stay_in_memory) {
  embedding_store store{1'000};
  for (std::size_t i = 0; i < 5; ++i) store.push_back(value_of(i));
  EXPECT_FALSE(store.spilled());
  EXPECT_EQ(store.size(), 5U);
  EXPECT_EQ(store[4], value_of(4));
  store.clear();
  EXPECT_TRUE(store.empty());
  EXPECT_EQ(store.memory_bytes(), 0U);
}

TEST(embedding_store, many_come_back_from_a_file_that_has_no_name) {
  const temporary_directory folder;
  const temporary_folder_of_programs tmpdir{folder.path().native()};
  embedding_store store{1'000};
  for (std::size_t i = 0; i < 10'000; ++i) {
    store.push_back(value_of(i));
    ASSERT_LE(store.memory_bytes(), 1'000U);
  }
  EXPECT_TRUE(store.spilled());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "nothing is left behind by a kill";
  ASSERT_EQ(store.size(), 10'000U);
  const auto copy = store;
  store.clear();
  for (std::size_t i = 0; i < copy.size(); ++i) ASSERT_EQ(copy[i], value_of(i));
  const auto all = copy.all();
  ASSERT_EQ(all.size(), 10'000U);
  EXPECT_EQ(all[9'999], value_of(9'999));
}

TEST(embedding_store, where_no_file_can_be_made_all_stay_in_memory) {
  for (const auto* folder : {"/proc/self", "/nowhere"}) {
    const temporary_folder_of_programs tmpdir{folder};
    embedding_store store{1'000};
    for (std::size_t i = 0; i < 100; ++i) store.push_back(value_of(i));
    EXPECT_FALSE(store.spilled()) << folder;
    for (std::size_t i = 0; i < 100; ++i) ASSERT_EQ(store[i], value_of(i));
  }
}

TEST(embedding_store, where_the_disk_is_full_the_rest_stays_in_memory) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 5'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  embedding_store store{1'000};
  for (std::size_t i = 0; i < 200; ++i) store.push_back(value_of(i));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  EXPECT_TRUE(store.spilled());
  EXPECT_GT(store.memory_bytes(), 1'000U);
  ASSERT_EQ(store.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) ASSERT_EQ(store[i], value_of(i));
}

}  // namespace
}  // namespace millrace
