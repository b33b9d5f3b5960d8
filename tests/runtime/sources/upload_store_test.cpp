#include "runtime/sources/upload_store.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "runtime/core/sha256.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

namespace fs = std::filesystem;

class upload_store_test : public ::testing::Test {
 protected:
  result<fs::path> keep(std::int64_t dataset, const std::string& name, const std::string& text) {
    const auto file = *received_file::create(store->incoming(), {});
    EXPECT_TRUE(file->write(text));
    return store->keep(*file, dataset, name);
  }

  temporary_directory folder;
  std::shared_ptr<upload_store> store =
      *upload_store::open(folder.path() / "uploads", "0a1b2c3d", "a");
};

TEST_F(upload_store_test, names_are_relative_paths_that_stay_below_their_folder) {
  for (const std::string good : {"a", "a.txt", "a/b/c.pdf", ".hidden", "a b/ö.txt", "...", "a..b"})
    EXPECT_TRUE(check_upload_name(good)) << good;
  EXPECT_TRUE(check_upload_name(std::string(255, 'x')));
  for (const std::string& bad :
       {std::string{}, std::string{"/a"}, std::string{"a/"}, std::string{"a//b"}, std::string{"."},
        std::string{".."}, std::string{"../a"}, std::string{"a/.."}, std::string{"a/../b"},
        std::string{"a/./b"}, std::string("a\0b", 3), std::string(256, 'x')}) {
    EXPECT_EQ(check_upload_name(bad).error().code, ec::invalid_argument) << bad;
    EXPECT_EQ(keep(7, bad, "text").error().code, ec::invalid_argument) << bad;
  }
  std::string long_name;
  while (long_name.size() <= max_upload_name) long_name += "folder/";
  EXPECT_EQ(check_upload_name(long_name + "x").error().code, ec::invalid_argument);
}

TEST_F(upload_store_test, a_file_lies_below_node_and_dataset_for_the_node_alone) {
  const auto path = keep(7, "handbook/a.txt", "text");
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(*path, fs::canonical(folder.path()) / "uploads" / "0a1b2c3d" / "a" / "7" / "handbook" /
                       "a.txt");
  EXPECT_EQ(*path, store->path_of(7, "handbook/a.txt"));
  EXPECT_EQ(store->folder_of(7), path->parent_path().parent_path());
  EXPECT_TRUE(store->has(*path));
  EXPECT_FALSE(store->has("/etc/passwd"));
  const auto root = fs::canonical(folder.path()) / "uploads";
  for (const auto& inside : {root, root / "ffffffff" / "a" / "7" / "x"})
    EXPECT_TRUE(store->has(inside)) << inside;
  EXPECT_FALSE(store->has(root.native() + "-of-others"));
  for (const auto& above : {root, root.parent_path(), fs::path{"/"}})
    EXPECT_TRUE(store->is_below(above)) << above;
  for (const auto& beside : {root / "0a1b2c3d", root.parent_path() / "up", fs::path{"/etc"}})
    EXPECT_FALSE(store->is_below(beside)) << beside;
  EXPECT_EQ(fs::status(*path).permissions(), fs::perms{0600});
  for (auto above = path->parent_path(); above.filename() != "uploads"; above = above.parent_path())
    EXPECT_EQ(fs::status(above).permissions(), fs::perms{0700}) << above;
  EXPECT_EQ(store->datasets(), std::vector<std::int64_t>{7});
}

TEST_F(upload_store_test, nodes_that_see_the_same_files_share_them) {
  const auto one = *upload_store::open(folder.path() / "shared", "0a1b2c3d", "");
  const auto other = *upload_store::open(folder.path() / "shared", "0a1b2c3d", "");
  EXPECT_EQ(one->folder_of(1), other->folder_of(1));
  for (const auto& [database, node] : {std::pair{"0a1b2c3d", "a"}, std::pair{"00000001", ""}})
    EXPECT_NE(one->folder_of(1),
              (*upload_store::open(folder.path() / "shared", database, node))->folder_of(1));
}

TEST_F(upload_store_test, it_knows_what_it_holds_by_size_and_content) {
  ASSERT_TRUE(keep(7, "a/b.txt", "text"));
  const auto hash = sha256_hex("text");
  EXPECT_TRUE(store->holds(7, "a/b.txt", 4, hash));
  EXPECT_FALSE(store->holds(7, "a/b.txt", 4, sha256_hex("next")));
  EXPECT_FALSE(store->holds(7, "a/b.txt", 5, hash));
  EXPECT_FALSE(store->holds(8, "a/b.txt", 4, hash));
  EXPECT_FALSE(store->holds(7, "a", 4, hash)) << "a folder";
  EXPECT_FALSE(store->holds(7, "../7/a/b.txt", 4, hash));
  const auto path = store->path_of(7, "a/b.txt");
  fs::create_symlink(path, path.parent_path() / "link");
  EXPECT_FALSE(store->holds(7, "a/link", 4, hash));
}

TEST_F(upload_store_test, a_renewed_file_is_young_and_the_same) {
  const auto path = *keep(7, "a", "text");
  const auto now = upload_store::file_time::clock::now();
  fs::last_write_time(path, now - std::chrono::hours{48});
  ASSERT_TRUE(store->renew(7, "a"));
  EXPECT_FALSE(store->remove_older(path, now - std::chrono::hours{24}));
  EXPECT_TRUE(store->holds(7, "a", 4, sha256_hex("text")));
  EXPECT_EQ(store->renew(7, "b").error().code, ec::path_missing);
}

TEST_F(upload_store_test, a_file_and_a_folder_of_one_name_exclude_each_other) {
  ASSERT_TRUE(keep(7, "a", "file"));
  EXPECT_EQ(keep(7, "a/b", "below it").error().code, ec::invalid_argument);
  ASSERT_TRUE(keep(7, "c/d", "file"));
  EXPECT_EQ(keep(7, "c", "over a folder").error().code, ec::invalid_argument);
  EXPECT_TRUE(fs::is_empty(store->incoming())) << "what was refused is gone";
}

TEST_F(upload_store_test, a_link_in_the_way_is_not_followed) {
  const auto path = *keep(7, "a", "file");
  fs::create_directory_symlink("/tmp", path.parent_path() / "link");
  EXPECT_EQ(keep(7, "link/x", "text").error().code, ec::invalid_argument);
}

TEST_F(upload_store_test, what_was_sent_again_is_not_older) {
  const auto path = *keep(7, "a", "file");
  const auto now = fs::file_time_type::clock::now();
  EXPECT_FALSE(store->remove_older(path, now - std::chrono::hours{1}));
  EXPECT_TRUE(fs::exists(path));
  EXPECT_TRUE(store->remove_older(path, now + std::chrono::hours{1}));
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(upload_store_test, a_folder_that_cannot_be_is_refused_with_the_key) {
  std::ofstream{folder.path() / "file"} << "x";
  const auto refused = upload_store::open(folder.path() / "file" / "uploads", "0a1b2c3d", "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::invalid_config);
  EXPECT_NE(refused.error().message.find("sources.uploads"), std::string::npos);
}

}  // namespace
}  // namespace millrace
