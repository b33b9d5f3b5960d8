#include "runtime/sources/file_walk.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class file_walk : public ::testing::Test {
 protected:
  void write(const fs::path& relative, const std::string& text = "text") const {
    fs::create_directories((root() / relative).parent_path());
    std::ofstream{root() / relative} << text;
  }

  /// Paths below the root, in the order they were found.
  std::vector<std::string> walk(const walk_filter& filter = {}, const fs::path& below = {}) {
    std::vector<std::string> paths;
    counts = {};
    const auto start = below.empty() ? root() : root() / below;
    outcome = walk_files(start, filter, counts, [&](found_file f) {
      paths.push_back(fs::path{f.path}.lexically_relative(root()));
      bytes += f.size;
      return paths.size() < stop_after;
    });
    return paths;
  }

  const fs::path& root() const { return directory_.path(); }

  walk_counts counts;
  result<void> outcome;
  std::uint64_t bytes = 0;
  std::size_t stop_after = 1'000'000;

 private:
  temporary_directory directory_;
};

TEST_F(file_walk, files_are_found_recursively_in_the_same_order_every_time) {
  for (const auto* f : {"b.txt", "a/z.txt", "a/b/c.txt", "c/1.txt", "a.txt", "B.txt"})
    write(f, "12345");
  fs::create_directories(root() / "empty");
  const auto found = walk();
  ASSERT_TRUE(outcome);
  EXPECT_THAT(found, ElementsAre("B.txt", "a/b/c.txt", "a/z.txt", "a.txt", "b.txt", "c/1.txt"));
  EXPECT_EQ(walk(), found);
  EXPECT_EQ(counts.files, 6U);
  EXPECT_EQ(bytes, 60U);
  EXPECT_THAT(walk({}, "a/"), ElementsAre("a/b/c.txt", "a/z.txt")) << "with a slash at the end";
  EXPECT_THAT(walk({}, "a.txt"), ElementsAre("a.txt"));
  stop_after = 2;
  EXPECT_THAT(walk(), ElementsAre("B.txt", "a/b/c.txt")) << "the sink wants no more";
}

TEST_F(file_walk, include_and_exclude_match_names_and_paths_below_the_root) {
  for (const auto* f : {"a.md", "a.txt", "old/b.md", "old/c.txt", "new/d.md"}) write(f);
  EXPECT_THAT(walk({{"*.md"}, {}}), ElementsAre("a.md", "new/d.md", "old/b.md"));
  EXPECT_EQ(counts.excluded, 2U);
  EXPECT_THAT(walk({{"*.md"}, {"old/*"}}), ElementsAre("a.md", "new/d.md"));
  EXPECT_THAT(walk({{}, {"*.md"}}), ElementsAre("a.txt", "old/c.txt"));
  EXPECT_THAT(walk({{"old/c.*", "d.md"}, {}}), ElementsAre("new/d.md", "old/c.txt"));
  EXPECT_THAT(walk({{"*.pdf"}, {}}), IsEmpty());
  EXPECT_EQ(counts.excluded, 5U);
  EXPECT_EQ(counts.files, 0U);
  EXPECT_THAT(walk({{"b.md"}, {}}, "old"), ElementsAre("old/b.md"));
}

TEST_F(file_walk, dotfiles_links_to_folders_and_special_files_are_skipped_and_counted) {
  write("real/file.txt");
  write(".hidden");
  write(".git/config");
  fs::create_directory_symlink(root(), root() / "real" / "loop");
  fs::create_symlink("nowhere", root() / "dangling");
  fs::create_symlink("self", root() / "self");
  fs::create_symlink("real/file.txt", root() / "link.txt");
  ASSERT_EQ(::mkfifo((root() / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(walk(), ElementsAre("link.txt", "real/file.txt"));
  EXPECT_TRUE(outcome);
  EXPECT_EQ(counts.skipped_dotfiles, 2U);
  EXPECT_EQ(counts.skipped_links, 3U);
  EXPECT_EQ(counts.skipped_special, 1U);

  EXPECT_THAT(walk({}, ".hidden"), ElementsAre(".hidden")) << "what the user names is taken";
  EXPECT_THAT(walk({}, "link.txt"), ElementsAre("link.txt"));
  EXPECT_THAT(walk({}, ".git"), ElementsAre(".git/config"));
  EXPECT_THAT(walk({}, "fifo"), IsEmpty());
  EXPECT_EQ(outcome.error().code, ec::invalid_argument);
}

TEST_F(file_walk, a_name_that_is_not_utf8_is_handed_over_as_it_is) {
  write("caf\xE9.txt");
  write("line\nbreak.txt");
  EXPECT_THAT(walk(), ElementsAre("caf\xE9.txt", "line\nbreak.txt"));
}

TEST_F(file_walk, a_missing_path_is_named) {
  EXPECT_THAT(walk({}, "no/such"), IsEmpty());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ec::path_missing);
  EXPECT_THAT(outcome.error().message, HasSubstr("no/such"));
  fs::create_symlink("nowhere", root() / "dangling");
  walk({}, "dangling");
  EXPECT_EQ(outcome.error().code, ec::path_missing);
}

/// File access of this thread as somebody without rights; root reads everything otherwise.
class as_nobody {
 public:
  as_nobody() { ::setfsuid(65534); }
  ~as_nobody() { ::setfsuid(::geteuid()); }
};

TEST_F(file_walk, an_unreadable_folder_is_counted_and_an_unreadable_root_is_an_error) {
  write("a.txt");
  write("closed/secret.txt");
  write("open/b.txt");
  fs::permissions(root() / "closed", fs::perms::none);
  {
    const as_nobody other;
    EXPECT_THAT(walk(), ElementsAre("a.txt", "open/b.txt"));
    EXPECT_TRUE(outcome);
    EXPECT_EQ(counts.unreadable_folders, 1U);
    walk({}, "closed");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ec::permission_denied);
    walk({}, "closed/secret.txt");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ec::permission_denied);
  }
  fs::permissions(root() / "closed", fs::perms::owner_all);
}

TEST_F(file_walk, folders_nested_too_deeply_are_counted_instead_of_followed) {
  fs::path deep;
  for (int i = 0; i < max_walk_depth; ++i) deep /= "d";
  write(deep / "last.txt");
  write(deep / "d" / "too-deep.txt");
  EXPECT_THAT(walk(), ElementsAre((deep / "last.txt").native()));
  EXPECT_EQ(counts.unreadable_folders, 1U);
}

}  // namespace
}  // namespace millrace
