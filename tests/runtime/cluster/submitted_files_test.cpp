#include "runtime/cluster/submitted_files.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "runtime/sources/file_uri.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

class submitted_files_test : public ::testing::Test {
 protected:
  test_database db;
  temporary_directory folder;
  submitted_files files{db.pool(), "a"};

  std::string write(const std::string& name, const std::string& text) {
    const auto path = (folder.path() / name).native();
    std::ofstream{path} << text;
    return file_uri(path, "a");
  }
  std::int64_t submit(const std::string& uri) {
    static const auto dataset = std::string{"d"};
    if (db.query("select count(*) from datasets") == "0") seed_dataset(db, dataset, 0);
    db.execute("insert into documents (dataset_id, uri, size, options) select id, '" + uri +
               "', 1, 'test' from datasets limit 1");
    return number(db, "select max(id) from documents");
  }
};

TEST_F(submitted_files_test, a_file_is_read_piece_by_piece) {
  const auto uri = write("a.txt", "0123456789");
  const auto id = submit(uri);
  const auto first = must(files.read(id, uri, 0, 4));
  EXPECT_EQ(first.bytes, "0123");
  EXPECT_EQ(first.version.size, 10U);
  EXPECT_EQ(must(files.read(id, uri, 4, 4)).bytes, "4567");
  EXPECT_EQ(must(files.read(id, uri, 8, 4)).bytes, "89") << "shorter: the end";
  EXPECT_EQ(must(files.read(id, uri, 8, 4)).bytes, "89") << "it opens again";
}

TEST_F(submitted_files_test, nothing_else_is_read) {
  const auto uri = write("a.txt", "text");
  const auto secret = write("secret.txt", "secret");
  const auto id = submit(uri);
  EXPECT_EQ(code_of(files.read(id, secret, 0, 10)), ec::permission_denied);
  EXPECT_EQ(code_of(files.read(id + 1, uri, 0, 10)), ec::permission_denied);
  const auto elsewhere = "file://b" + uri.substr(std::string{"file://a"}.size());
  EXPECT_EQ(code_of(files.read(submit(elsewhere), elsewhere, 0, 10)), ec::permission_denied);
  EXPECT_EQ(code_of(files.read(id, "http://x/y", 0, 10)), ec::permission_denied);
}

TEST_F(submitted_files_test, a_file_that_is_gone_or_no_file_is_told_as_here) {
  const auto missing = file_uri((folder.path() / "missing").native(), "a");
  EXPECT_EQ(code_of(files.read(submit(missing), missing, 0, 10)), ec::source_missing);
  const auto directory = file_uri(folder.path().native(), "a");
  EXPECT_EQ(code_of(files.read(submit(directory), directory, 0, 10)), ec::source_unreadable);
}

TEST_F(submitted_files_test, a_change_between_two_readings_shows) {
  const auto uri = write("a.txt", "one");
  const auto id = submit(uri);
  const auto before = must(files.read(id, uri, 0, 2));
  std::filesystem::last_write_time(
      folder.path() / "a.txt",
      std::filesystem::file_time_type::clock::now() + std::chrono::hours{1});
  EXPECT_NE(must(files.read(id, uri, 2, 2)).version, before.version) << "of the same opening";
}

TEST_F(submitted_files_test, open_files_are_bounded) {
  std::vector<std::pair<std::int64_t, std::string>> all;
  for (std::size_t i = 0; i < 2 * submitted_files::max_open; ++i) {
    const auto uri = write("f" + std::to_string(i), "0123456789");
    all.emplace_back(submit(uri), uri);
    must(files.read(all.back().first, uri, 0, 4));
  }
  for (const auto& [id, uri] : all) EXPECT_EQ(must(files.read(id, uri, 4, 4)).bytes, "4567");
  std::size_t open = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code gone;
    open += std::filesystem::read_symlink(entry, gone).native().starts_with(folder.path().native());
  }
  EXPECT_LE(open, submitted_files::max_open);
}

}  // namespace
}  // namespace millrace
