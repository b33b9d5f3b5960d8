// What a killed PostgreSQL leaves in memory, made here as it would be left at each of its steps.
#include "runtime/database/embedded/shared_memory.hpp"

#include <cstring>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace::postgres {
namespace {

constexpr std::size_t segment_bytes = 56;  // PGShmemHeader

class shared_memory : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream{directory_.path() / "PG_VERSION"} << "15\n";
    ASSERT_EQ(::stat(directory_.path().c_str(), &status_), 0);
  }
  void TearDown() override {
    for (const int id : made_) ::shmctl(id, IPC_RMID, nullptr);
  }

  /// By a process that has ended by then, unless it is this one.
  int make_segment(ino_t key, bool by_this_process = false) {
    const auto make = [&] {
      return ::shmget(static_cast<key_t>(key), segment_bytes, IPC_CREAT | IPC_EXCL | 0600);
    };
    if (by_this_process) {
      made_.push_back(make());
    } else {
      const pid_t child = ::fork();
      if (child == 0) ::_exit(make() < 0 ? 1 : 0);
      int ended = 1;
      ::waitpid(child, &ended, 0);
      EXPECT_EQ(ended, 0);
      made_.push_back(::shmget(static_cast<key_t>(key), 0, 0));
    }
    EXPECT_GE(made_.back(), 0);
    return made_.back();
  }
  static void write_header(int id, dev_t device, ino_t inode) {
    auto* memory = static_cast<char*>(::shmat(id, nullptr, 0));
    const std::int32_t magic = 679834894;
    std::memcpy(memory, &magic, sizeof magic);
    std::memcpy(memory + 40, &device, sizeof device);
    std::memcpy(memory + 48, &inode, sizeof inode);
    ::shmdt(memory);
  }
  static bool is_there(int id) {
    shmid_ds state{};
    return ::shmctl(id, IPC_STAT, &state) == 0;
  }
  void remove() const { remove_shared_memory(directory_.path(), ::geteuid()); }

  temporary_directory directory_;
  struct stat status_ {};
  std::vector<int> made_;
};

TEST_F(shared_memory, of_one_that_was_killed_before_it_wrote_or_noted_anything_is_removed) {
  const int id = make_segment(status_.st_ino);
  remove();
  EXPECT_FALSE(is_there(id));
}

TEST_F(shared_memory, of_one_that_was_killed_before_it_noted_its_segment_is_removed) {
  const int id = make_segment(status_.st_ino);
  write_header(id, status_.st_dev, status_.st_ino);
  remove();
  EXPECT_FALSE(is_there(id));
}

TEST_F(shared_memory, under_the_next_key_is_found_where_another_folder_has_the_first) {
  const int others = make_segment(status_.st_ino);
  write_header(others, status_.st_dev + 1, status_.st_ino);
  const int id = make_segment(status_.st_ino + 1);
  write_header(id, status_.st_dev, status_.st_ino);
  remove();
  EXPECT_TRUE(is_there(others));
  EXPECT_FALSE(is_there(id));
}

TEST_F(shared_memory, of_one_that_was_killed_before_it_noted_its_control_segment_is_removed) {
  const int id = make_segment(status_.st_ino);
  write_header(id, status_.st_dev, status_.st_ino);
  const std::filesystem::path blank = "/dev/shm/PostgreSQL." + std::to_string(::getpid());
  const std::filesystem::path others = blank.native() + "0";
  std::ofstream{blank} << std::string(4'000, '\0');
  std::ofstream{others} << "what somebody works with";
  remove();
  EXPECT_FALSE(is_there(id));
  EXPECT_FALSE(std::filesystem::exists(blank));
  EXPECT_TRUE(std::filesystem::exists(others));
  std::filesystem::remove(blank);
  std::filesystem::remove(others);
}

TEST_F(shared_memory, of_a_process_that_lives_stays) {
  const int id = make_segment(status_.st_ino, true);
  remove();
  EXPECT_TRUE(is_there(id)) << "it has not attached it yet";
}

TEST_F(shared_memory, that_somebody_has_attached_stays) {
  const int id = make_segment(status_.st_ino);
  write_header(id, status_.st_dev, status_.st_ino);
  const auto* memory = ::shmat(id, nullptr, 0);
  remove();
  EXPECT_TRUE(is_there(id));
  ::shmdt(memory);
}

}  // namespace
}  // namespace millrace::postgres
