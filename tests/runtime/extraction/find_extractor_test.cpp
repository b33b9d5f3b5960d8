#include "runtime/extraction/find_extractor.hpp"

#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class find_extractor_test : public ::testing::Test {
 protected:
  ~find_extractor_test() override { ::unsetenv("MILLRACE_EXTRACTOR"); }

  static result<std::filesystem::path> found(const std::string& named) {
    ::setenv("MILLRACE_EXTRACTOR", named.c_str(), 1);
    return find_extractor();
  }
  /// A program that does this instead.
  std::string script(const std::string& lines) const {
    const auto path = folder_.path() / "extractor";
    std::ofstream{path} << "#!/bin/sh\n" << lines << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  static void expect_refused(const std::string& named, const std::string& words) {
    const auto wrong = found(named);
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, ec::extractor_missing);
    EXPECT_THAT(wrong.error().message, HasSubstr(words));
    EXPECT_THAT(wrong.error().message, HasSubstr(named));
  }

 private:
  temporary_directory folder_;
};

TEST_F(find_extractor_test, the_environment_names_another_one) {
  EXPECT_EQ(found(REAL_EXTRACTOR).value(), REAL_EXTRACTOR);
  expect_refused("/nonexistent/extractor", "is not an executable file");
}

// As after an upgrade of the system that took the library away.
TEST_F(find_extractor_test, one_that_cannot_load_its_libraries_is_told_by_the_librarys_name) {
  expect_refused(script("echo 'extractor: error while loading shared libraries: libpoppler.so.126: "
                        "cannot open shared object file' >&2; exit 127"),
                 "libpoppler.so.126 is missing or of another version");
}

TEST_F(find_extractor_test, one_that_cannot_be_run_is_told_in_its_own_words) {
  expect_refused(script("echo 'no such interpreter' >&2; exit 127"), "no such interpreter");
}

TEST_F(find_extractor_test, one_that_says_nothing_and_keeps_no_pipe_is_waited_for) {
  EXPECT_TRUE(found(script("exec 2>&-; exit 2")));
}

// Supervisors of other programs talk to them there.
TEST_F(find_extractor_test, a_socket_that_was_left_where_the_nodes_would_be_is_not_its_own) {
  const int before = ::dup(3);
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  ASSERT_EQ(::dup2(ends[0], 3), 3);
  EXPECT_EQ(found(REAL_EXTRACTOR).value(), REAL_EXTRACTOR);
  if (before >= 0) ::dup2(before, 3);
  for (const int fd : {before, ends[0], ends[1]})
    if (fd >= 0 && fd != 3) ::close(fd);
  if (before < 0) ::close(3);
}

}  // namespace
}  // namespace millrace
