#include "runtime/database/embedded/directory_handle.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace::postgres {
namespace {

namespace fs = std::filesystem;

class held_directory : public ::testing::Test {
 protected:
  void make() const {
    fs::create_directories(path_ / "postgres");
    std::ofstream{path_ / "postgres" / "PG_VERSION"} << "15\n";
  }
  directory_handle make_and_open() const {
    make();
    return directory_handle::open(path_).value();
  }

  temporary_directory temporary_;
  fs::path path_ = temporary_.path() / "data";
  directory_handle handle_ = make_and_open();
};

TEST_F(held_directory, its_files_are_found_after_a_move) {
  EXPECT_FALSE(handle_.lookup()) << "no cluster is held yet";
  ASSERT_TRUE(handle_.hold_cluster());
  fs::rename(path_, temporary_.path() / "moved");
  EXPECT_FALSE(handle_.is_at(path_));
  make();
  fs::remove(path_ / "postgres" / "PG_VERSION");
  EXPECT_FALSE(handle_.is_at(path_)) << "another one";
  EXPECT_TRUE(handle_.is_at(temporary_.path() / "moved"));
  EXPECT_EQ(handle_.lookup()->cluster_version().value(), 15);
}

TEST_F(held_directory, one_that_was_removed_is_not_the_one_that_is_made_anew) {
  ASSERT_TRUE(handle_.hold_cluster());
  fs::remove_all(path_);
  for (int time = 0; time < 20; ++time) {
    make();
    EXPECT_FALSE(handle_.is_at(path_));
    EXPECT_FALSE(fs::equivalent(handle_.lookup()->cluster(), path_ / "postgres"));
    fs::remove_all(path_);
  }
  EXPECT_EQ(handle_.lookup()->cluster_version().value(), std::nullopt);
}

TEST_F(held_directory, its_first_cluster_is_its_only_one) {
  fs::rename(path_ / "postgres", path_ / "aside");
  ASSERT_TRUE(handle_.hold_cluster()) << "there is none yet";
  make();
  ASSERT_TRUE(handle_.hold_cluster());
  ASSERT_TRUE(handle_.hold_cluster());
  fs::rename(path_ / "postgres", path_ / "former");
  fs::rename(path_ / "aside", path_ / "postgres");
  const auto again = handle_.hold_cluster();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ec::data_directory);
}

}  // namespace
}  // namespace millrace::postgres
