#include "runtime/cluster/certificate_copies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/cluster/certificates.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class certificate_copies_test : public ::testing::Test {
 protected:
  temporary_directory folder;
  tls_settings files{(folder.path() / "a.pem").string(), (folder.path() / "a.key").string(),
                     (folder.path() / "ca.pem").string()};

  void issue(int days) {
    must(must(certificate_authority::open(folder.path(), "test")).issue("a", days));
  }
  /// Days until the certificate that the links read ends.
  static long days_left(const certificate_copies& copies) {
    const auto left =
        must(certificate_end(copies.paths().certificate)) - std::chrono::system_clock::now();
    return std::chrono::duration_cast<std::chrono::hours>(left).count() / 24;
  }
};

TEST_F(certificate_copies_test, are_a_pair_that_fits) {
  issue(30);
  const auto copies = must(certificate_copies::create(files));
  EXPECT_EQ(code_of(check_certificates(copies->paths())), ec::none);
  EXPECT_EQ(days_left(*copies), 29);
}

TEST_F(certificate_copies_test, follow_the_files) {
  issue(30);
  const auto copies = must(certificate_copies::create(files));
  const auto paths = copies->paths();
  issue(60);
  ASSERT_TRUE(succeeded(copies->refresh()));
  EXPECT_EQ(days_left(*copies), 59);
  EXPECT_EQ(copies->paths().certificate, paths.certificate) << "CAF was told this path";
  EXPECT_EQ(code_of(check_certificates(copies->paths())), ec::none);
}

TEST_F(certificate_copies_test, stay_where_half_a_pair_was_replaced_or_nothing_is_left) {
  issue(30);
  const auto copies = must(certificate_copies::create(files));
  const auto key = folder.path() / "a.key";
  std::filesystem::copy_file(key, folder.path() / "old.key");
  issue(60);
  std::filesystem::remove(key);
  std::filesystem::copy_file(folder.path() / "old.key", key);
  const auto half = copies->refresh();
  ASSERT_FALSE(half);
  EXPECT_THAT(half.error().message, HasSubstr("is not the key of"));
  EXPECT_EQ(days_left(*copies), 29);
  EXPECT_TRUE(succeeded(copies->refresh())) << "said once";
  std::filesystem::remove(key);
  EXPECT_FALSE(copies->refresh());
  EXPECT_EQ(code_of(check_certificates(copies->paths())), ec::none);
}

TEST_F(certificate_copies_test, are_not_made_of_what_does_not_fit) {
  EXPECT_EQ(code_of(certificate_copies::create(files)), ec::invalid_config);
}

}  // namespace
}  // namespace millrace
