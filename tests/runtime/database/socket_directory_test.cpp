#include "runtime/database/embedded/socket_directory.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace::postgres {
namespace {

namespace fs = std::filesystem;

class socket_directory : public ::testing::Test {
 protected:
  data_directory add(const fs::path& root) const {
    fs::create_directories(root / "postgres");
    return {.root = root, .owner = {::geteuid(), ::getegid(), {}, {}}};
  }
  void write_pid_file(const data_directory& directory, const std::string& text) const {
    std::ofstream{directory.cluster() / "postmaster.pid"} << text;
  }

  temporary_directory temporary_;
};

TEST_F(socket_directory, a_socket_path_fits_into_60_bytes_whatever_the_directory) {
  auto directory = add(temporary_.path() / std::string(200, 'x') / std::string(200, 'y'));
  directory.owner.uid = static_cast<uid_t>(-2);
  EXPECT_LE((socket_directory_for(directory).value() / ".s.PGSQL.5432").string().size(), 60U);
}

TEST_F(socket_directory, it_stays_when_the_directory_is_moved_and_is_another_for_one_made_anew) {
  const auto path = temporary_.path() / "data";
  const auto before = socket_directory_for(add(path)).value();
  const auto moved = temporary_.path() / "moved";
  fs::rename(path, moved);
  EXPECT_EQ(socket_directory_for(add(moved)).value(), before);
  EXPECT_NE(socket_directory_for(add(path)).value(), before);
}

TEST_F(socket_directory, there_is_none_without_a_cluster) {
  const auto folder = socket_directory_for({.root = temporary_.path(), .owner = {}});
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ec::data_directory);
}

TEST_F(socket_directory, the_one_in_use_is_the_one_that_the_server_wrote_down) {
  const auto directory = add(temporary_.path());
  EXPECT_EQ(socket_directory_in_use(directory).value(), std::nullopt);
  write_pid_file(directory, "7\n/data\n1700000000\n5432\n\n");
  EXPECT_EQ(socket_directory_in_use(directory).value(), std::nullopt) << "it does not listen yet";
  write_pid_file(directory, "7\n/data\n1700000000\n5432\n/tmp/millrace-1-a\n\n  12 34\n");
  EXPECT_EQ(socket_directory_in_use(directory).value(), "/tmp/millrace-1-a");
}

TEST_F(socket_directory, nothing_is_removed_that_is_not_one_of_its_owner) {
  const auto kept = temporary_.path() / "kept";
  fs::create_directory(kept);
  const user_account owner{::geteuid(), ::getegid(), {}, {}};
  const auto prefix = "/tmp/millrace-" + std::to_string(owner.uid) + "-";
  remove_socket_directory(kept, owner);
  remove_socket_directory(prefix + "x/../../" + kept.native(), owner);
  EXPECT_TRUE(fs::exists(kept));
}

}  // namespace
}  // namespace millrace::postgres
