#include "runtime/extraction/document_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/fsuid.h>

namespace millrace::extraction {
namespace {

using ::testing::HasSubstr;

class document_files : public ::testing::Test {
 protected:
  document_files() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "millrace-files-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    std::ofstream{directory_ / "file"} << "twelve bytes";
  }
  ~document_files() override { std::filesystem::remove_all(directory_); }
  std::filesystem::path directory_;
};

TEST_F(document_files, a_file_is_opened_with_its_version) {
  const auto file = open_document((directory_ / "file").string());
  ASSERT_TRUE(file);
  EXPECT_EQ(file->version.size, 12U);
  EXPECT_EQ(version_of(file->fd)->changed, file->version.changed);
}

TEST_F(document_files, a_link_leads_to_its_file_and_a_loop_nowhere) {
  std::filesystem::create_symlink("file", directory_ / "link");
  std::filesystem::create_symlink("loop", directory_ / "loop");
  EXPECT_TRUE(open_document((directory_ / "link").string()));
  EXPECT_EQ(open_document((directory_ / "loop").string()).error().code, ec::source_unreadable);
}

TEST_F(document_files, a_missing_file_is_named) {
  const auto missing = open_document((directory_ / "gone").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ec::source_missing);
  EXPECT_THAT(missing.error().message, HasSubstr("gone"));
}

TEST_F(document_files, a_name_with_a_zero_byte_does_not_open_its_prefix) {
  const auto name = (directory_ / "file").string() + std::string{"\0.txt", 5};
  EXPECT_EQ(open_document(name).error().code, ec::source_missing);
}

TEST_F(document_files, a_forbidden_file_is_unreadable) {
  std::filesystem::permissions(directory_ / "file", std::filesystem::perms::none);
  constexpr uid_t nobody = 65'534;
  const auto before =
      static_cast<uid_t>(::setfsuid(nobody));  // root may read everything; without root a no-op
  const auto forbidden = open_document((directory_ / "file").string());
  ::setfsuid(before);
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().code, ec::source_unreadable);
}

}  // namespace
}  // namespace millrace::extraction
