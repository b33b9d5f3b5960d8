#include "runtime/cluster/certificates.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class certificates_test : public ::testing::Test {
 protected:
  temporary_directory folder;
  std::filesystem::path certs = folder.path() / "certs";

  tls_settings issue(const std::string& node, const std::string& where = "certs", int days = 10) {
    const auto directory = folder.path() / where;
    const auto ca = certificate_authority::open(directory, "demo");
    EXPECT_TRUE(ca) << ca.error().message;
    const auto files = ca->issue(node, days);
    EXPECT_TRUE(files) << files.error().message;
    return {files->certificate, files->key, (directory / "ca.pem").native()};
  }
  std::string why_not(const tls_settings& tls, const std::string& node = "a") {
    const auto checked = load_tls_context(tls, node);
    return checked ? "" : checked.error().message;
  }
};

TEST_F(certificates_test, what_a_ca_issues_fits_and_ends_when_it_should) {
  const auto a = issue("a");
  EXPECT_EQ(why_not(a), "");
  const auto end = certificate_end(a.certificate);
  ASSERT_TRUE(end);
  const auto left = *end - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::hours{9 * 24});
  EXPECT_LE(left, std::chrono::hours{10 * 24});
  EXPECT_EQ(why_not(issue("b"), "b"), "") << "the CA that is there is used";
  EXPECT_EQ(why_not({a.certificate, a.key, issue("b").ca}), "");
}

TEST_F(certificates_test, a_ca_whose_key_was_put_away_is_not_replaced) {
  issue("a");
  std::filesystem::remove(certs / "ca.key");
  const auto opened = certificate_authority::open(certs, "demo");
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("ca.key is missing; put it back"));
}

TEST_F(certificates_test, keys_are_for_their_owner_only) {
  const auto a = issue("a");
  for (const auto& file : {a.key, (certs / "ca.key").native()}) {
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U) << file;
  }
}

TEST_F(certificates_test, what_does_not_fit_is_named) {
  const auto a = issue("a");
  const auto b = issue("b");
  const auto stranger = issue("a", "other");
  EXPECT_THAT(why_not({a.certificate, b.key, a.ca}), HasSubstr("b.key is not the key of"));
  EXPECT_THAT(why_not({stranger.certificate, stranger.key, a.ca}), HasSubstr("is not signed by"));
  EXPECT_THAT(why_not({"/nowhere/a.pem", a.key, a.ca}),
              HasSubstr("/nowhere/a.pem cannot be read; `millrace certs` makes it"));
  std::ofstream{folder.path() / "text.pem"} << "no certificate";
  EXPECT_THAT(why_not({(folder.path() / "text.pem").native(), a.key, a.ca}),
              HasSubstr("holds no PEM certificate"));
  EXPECT_THAT(why_not(issue("late", "certs", -1), "late"), HasSubstr("has expired"));
  EXPECT_THAT(why_not(b), HasSubstr("b.pem is the certificate of `b`, not of node `a`"));
  const auto ca = (certs / "ca.pem").native();
  EXPECT_NE(why_not({ca, (certs / "ca.key").native(), ca}, "millrace cluster CA"), "")
      << "the CA is not a node";
}

TEST_F(certificates_test, keys_that_others_can_read_are_refused) {
  const auto a = issue("a");
  for (const int mode : {0640, 0604, 0660}) {
    ASSERT_EQ(::chmod(a.key.c_str(), static_cast<mode_t>(mode)), 0);
    const auto loaded = load_tls_context(a, "a");
    ASSERT_FALSE(loaded) << mode;
    EXPECT_EQ(loaded.error().code, ec::permission_denied);
    EXPECT_THAT(loaded.error().message, HasSubstr("a.key is open to others than its owner (mode "));
    EXPECT_THAT(loaded.error().message, HasSubstr("chmod 600 " + a.key));
  }
  ASSERT_EQ(::chmod(a.key.c_str(), 0400), 0);
  EXPECT_EQ(why_not(a), "");
  ASSERT_EQ(::chmod((certs / "ca.key").c_str(), 0644), 0);
  const auto issued = certificate_authority::open(certs, "demo")->issue("b", 10);
  ASSERT_FALSE(issued);
  EXPECT_THAT(issued.error().message, HasSubstr("ca.key is open to others"));
}

TEST_F(certificates_test, a_renewed_ca_keeps_what_it_issued) {
  const auto a = issue("a");
  const auto copy = folder.path() / "old.pem";
  std::filesystem::copy_file(a.ca, copy);
  ASSERT_TRUE(certificate_authority::open(certs, "demo")->renew());
  EXPECT_EQ(why_not(a), "");
  EXPECT_EQ(why_not({a.certificate, a.key, copy.native()}), "");
  EXPECT_EQ(why_not(issue("b"), "b"), "");
}

TEST_F(certificates_test, no_node_takes_the_files_of_the_ca) {
  const auto issued = certificate_authority::open(certs, "demo")->issue("ca", 10);
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().code, ec::invalid_argument);
}

TEST_F(certificates_test, a_renewed_certificate_takes_the_place_of_the_old_one) {
  const auto first = issue("a", "certs", 5);
  const auto end = *certificate_end(first.certificate);
  const auto second = issue("a", "certs", 50);
  EXPECT_EQ(first.certificate, second.certificate);
  EXPECT_GT(*certificate_end(second.certificate), end);
  EXPECT_EQ(why_not(second), "");
}

TEST_F(certificates_test, one_config_serves_every_node) {
  const auto tls = for_node({"certs/{node}.pem", "{node}/{node}.key", "ca.pem"}, "n1");
  EXPECT_EQ(tls.certificate, "certs/n1.pem");
  EXPECT_EQ(tls.key, "n1/n1.key");
  EXPECT_EQ(tls.ca, "ca.pem");
}

}  // namespace
}  // namespace millrace
