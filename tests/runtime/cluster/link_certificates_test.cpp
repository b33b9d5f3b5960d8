#include "runtime/cluster/link_certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/queue/seeded_queue.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class link_certificates_test : public ::testing::Test {
 protected:
  temporary_directory folder;
  tls_settings files{(folder.path() / "a.pem").string(), (folder.path() / "a.key").string(),
                     (folder.path() / "ca.pem").string()};

  void issue(int days) {
    must(must(certificate_authority::open(folder.path(), "test")).issue("a", days));
  }
  /// Days until the certificate that the links use ends.
  static long days_left(const link_certificates& links) {
    return std::chrono::duration_cast<std::chrono::hours>(links.end() -
                                                          std::chrono::system_clock::now())
               .count() /
           24;
  }
};

TEST_F(link_certificates_test, follow_the_files) {
  issue(30);
  const auto links = must(link_certificates::create(files, "a"));
  EXPECT_EQ(days_left(*links), 29);
  issue(60);
  ASSERT_TRUE(succeeded(links->refresh()));
  EXPECT_EQ(days_left(*links), 59);
}

TEST_F(link_certificates_test, stay_where_half_a_pair_was_replaced_or_nothing_is_left) {
  issue(30);
  const auto links = must(link_certificates::create(files, "a"));
  const auto key = folder.path() / "a.key";
  std::filesystem::copy_file(key, folder.path() / "old.key");
  issue(60);
  std::filesystem::remove(key);
  std::filesystem::copy_file(folder.path() / "old.key", key);
  const auto half = links->refresh();
  ASSERT_FALSE(half);
  EXPECT_THAT(half.error().message, HasSubstr("is not the key of"));
  EXPECT_EQ(days_left(*links), 29);
  EXPECT_TRUE(succeeded(links->refresh())) << "said once";
  std::filesystem::remove(key);
  EXPECT_FALSE(links->refresh());
  EXPECT_EQ(days_left(*links), 29);
}

TEST_F(link_certificates_test, are_not_made_of_what_does_not_fit) {
  EXPECT_EQ(code_of(link_certificates::create(files, "a")), ec::invalid_config);
  issue(30);
  EXPECT_EQ(code_of(link_certificates::create(files, "b")), ec::invalid_config);
}

}  // namespace
}  // namespace millrace
