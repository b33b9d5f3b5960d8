#include "runtime/core/received_file.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(received_file, is_gone_unless_it_was_moved) {
  const temporary_directory folder;
  {
    const auto file = *received_file::create(folder.path(), {});
    ASSERT_TRUE(file->write("text"));
    EXPECT_EQ(content_of(file->path()), "text");
    EXPECT_EQ(fs::status(file->path()).permissions(), fs::perms{0600});
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(received_file, stays_where_it_was_moved_over_what_was_there) {
  const temporary_directory folder;
  const auto target = folder.path() / "kept";
  for (const auto* text : {"first", "second"}) {
    const auto file = *received_file::create(folder.path(), {});
    ASSERT_TRUE(file->write(text));
    ASSERT_TRUE(file->move_to(target));
  }
  EXPECT_EQ(content_of(target), "second");
  EXPECT_EQ(std::distance(fs::directory_iterator{folder.path()}, {}), 1);
}

TEST(received_file, holds_no_more_than_its_limit) {
  const temporary_directory folder;
  const auto file = *received_file::create(folder.path(), {byte_size{5}});
  ASSERT_TRUE(file->write("1234"));
  EXPECT_EQ(file->write("56").error().code, ec::limit_exceeded);
  EXPECT_EQ(file->size(), 4U);
  EXPECT_TRUE(file->write("5"));
  EXPECT_EQ(received_file::create(folder.path(), {byte_size{5}}, 6).error().code,
            ec::limit_exceeded);
}

TEST(received_file, leaves_the_disk_its_free_space) {
  const temporary_directory folder;
  const auto free = fs::space(folder.path()).available;
  EXPECT_EQ(received_file::create(folder.path(), {byte_size{UINT64_MAX}, 1_GiB}, free).error().code,
            ec::disk_full);
}

TEST(received_file, a_target_that_cannot_be_is_told) {
  const temporary_directory folder;
  fs::create_directory(folder.path() / "folder");
  const auto file = *received_file::create(folder.path(), {});
  EXPECT_EQ(file->move_to(folder.path() / "folder").error().code, ec::invalid_argument);
  EXPECT_EQ(file->move_to(folder.path() / "missing" / "name").error().code, ec::path_missing);
  EXPECT_TRUE(file->move_to(folder.path() / "name")) << "it is still there";
}

}  // namespace
}  // namespace millrace
