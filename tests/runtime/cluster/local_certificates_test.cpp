#include "runtime/cluster/local_certificates.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "runtime/cluster/certificates.hpp"
#include "tests/support/forked_child.hpp"
#include "tests/support/temporary_directory.hpp"

namespace millrace {
namespace {

using ::testing::HasSubstr;

class local_certificates_test : public ::testing::Test {
 protected:
  temporary_directory base;
  std::filesystem::path folder = base.path() / "links" / "0a1b2c3d";

  static std::string text_of(const std::filesystem::path& file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  tls_settings made_for(const std::string& node) const {
    const auto made = local_certificates(folder, "test", node);
    EXPECT_TRUE(made) << made.error().message;
    const auto loaded = made ? load_tls_context(*made, node) : tls_context{};
    EXPECT_TRUE(loaded) << loaded.error().message;
    return made.value_or(tls_settings{});
  }
};

TEST_F(local_certificates_test, are_of_one_ca_however_many_nodes_start_at_a_time) {
  constexpr int nodes = 8;
  std::vector<std::unique_ptr<forked_child>> children;
  for (int i = 0; i < nodes; ++i)
    children.push_back(std::make_unique<forked_child>([this, i](const forked_child::link& parent) {
      parent.report('r');
      parent.wait();
      if (!local_certificates(folder, "test", "n" + std::to_string(i))) ::_exit(1);
    }));
  for (const auto& c : children) ASSERT_EQ(c->report(), 'r');
  for (const auto& c : children) EXPECT_EQ(c->finish(), 0);
  for (int i = 0; i < nodes; ++i) {
    const auto name = "n" + std::to_string(i);
    const auto before = text_of(folder / "nodes" / (name + ".pem"));
    EXPECT_EQ(text_of(made_for(name).certificate), before) << "what is there and fits is used";
  }
}

TEST_F(local_certificates_test, are_for_this_user_only) {
  const auto made = made_for("a");
  const auto mode = [](const std::filesystem::path& file) {
    struct stat status {};
    EXPECT_EQ(::stat(file.c_str(), &status), 0) << file;
    return status.st_mode & 0777;
  };
  for (const auto& file :
       {folder / "ca.key", folder / "ca.pem", folder / "lock", std::filesystem::path{made.key},
        std::filesystem::path{made.certificate}})
    EXPECT_EQ(mode(file), 0600U) << file;
  for (const auto& where : {folder, folder / "nodes"}) EXPECT_EQ(mode(where), 0700U) << where;
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  const auto open = local_certificates(folder, "test", "a");
  ASSERT_FALSE(open);
  EXPECT_EQ(open.error().code, ec::permission_denied);
  EXPECT_THAT(open.error().message, HasSubstr("others can enter it (chmod 700 "));
}

TEST_F(local_certificates_test, are_renewed_in_their_last_year) {
  const auto made = made_for("a");
  const auto first = text_of(made.certificate);
  const auto ca = certificate_authority::open(folder, "test");
  ASSERT_TRUE(ca->issue("a", 300, folder / "nodes"));
  const auto late = text_of(made.certificate);
  made_for("a");
  EXPECT_NE(text_of(made.certificate), late);
  EXPECT_GT(*certificate_end(made.certificate) - std::chrono::system_clock::now(), renewed_before);
  EXPECT_NE(text_of(made.certificate), first);
}

TEST_F(local_certificates_test, half_a_ca_is_made_anew) {
  for (const auto* half : {"ca.pem", "ca.key"}) {
    made_for("a");
    std::filesystem::remove(folder / half);
    made_for("a");
    made_for("b");
  }
}

TEST_F(local_certificates_test, a_node_may_be_called_like_the_files_of_the_ca) {
  made_for("ca");
  made_for("a");
}

TEST_F(local_certificates_test, say_where_they_cannot_be_made) {
  std::ofstream{base.path() / "file"} << "not a folder";
  const auto made = local_certificates(base.path() / "file" / "links", "test", "a");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ec::permission_denied);
  EXPECT_THAT(made.error().message, HasSubstr("set cluster.tls.certificate"));
}

TEST_F(local_certificates_test, are_apart_for_each_database) {
  EXPECT_EQ(local_certificates_folder("/data", "0a1b2c3d"), "/data/links/0a1b2c3d");
  ::setenv("MILLRACE_DATA", "/somewhere", 1);
  EXPECT_EQ(local_certificates_folder("", "0a1b2c3d"), "/somewhere/links/0a1b2c3d");
  ::unsetenv("MILLRACE_DATA");
}

}  // namespace
}  // namespace millrace
