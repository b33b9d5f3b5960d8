#include "runtime/embedding/api_key.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <unistd.h>

#include "runtime/embedding/http_transport.hpp"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::Not;

class api_key_test : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("millrace-key-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    ::unsetenv("MILLRACE_TEST_KEY");
  }
  embedder_settings with_file(const std::string& content) {
    std::ofstream{folder_ / "key"} << content;
    embedder_settings s;
    s.api_key_file = folder_ / "key";
    return s;
  }
  embedder_settings with_variable(const char* value) {
    if (value != nullptr) ::setenv("MILLRACE_TEST_KEY", value, 1);
    embedder_settings s;
    s.api_key_env = "MILLRACE_TEST_KEY";
    return s;
  }
  std::filesystem::path folder_;
};

TEST_F(api_key_test, comes_from_the_environment) {
  EXPECT_EQ(read_api_key(with_variable("sk-1")), "sk-1");
}

TEST_F(api_key_test, comes_from_a_file_without_its_newline) {
  EXPECT_EQ(read_api_key(with_file("sk-2\n")), "sk-2");
}

TEST_F(api_key_test, a_file_goes_before_the_environment) {
  auto s = with_file("sk-file");
  s.api_key_env = with_variable("sk-env").api_key_env;
  EXPECT_EQ(read_api_key(s), "sk-file");
}

TEST_F(api_key_test, a_server_without_keys_needs_none) {
  embedder_settings s;
  s.api_key_env.clear();
  EXPECT_EQ(read_api_key(s), "");
}

TEST_F(api_key_test, a_variable_that_is_not_set_is_named) {
  const auto key = read_api_key(with_variable(nullptr));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ec::invalid_config);
  EXPECT_THAT(key.error().message, HasSubstr("MILLRACE_TEST_KEY"));
}

TEST_F(api_key_test, what_cannot_be_a_key_is_refused_without_being_repeated) {
  for (const std::string content : {"", " \n", "two words", "sk-secret\nX-Header: 1", "sk-\x01"}) {
    const auto key = read_api_key(with_file(content));
    ASSERT_FALSE(key) << content;
    EXPECT_EQ(key.error().code, ec::invalid_config);
    EXPECT_THAT(key.error().message, Not(HasSubstr("sk-")));
  }
  EXPECT_FALSE(read_api_key(with_file(std::string(max_api_key_bytes + 1, 'k'))));
  EXPECT_TRUE(read_api_key(with_file(std::string(max_api_key_bytes, 'k') + "\n")));
}

TEST_F(api_key_test, a_missing_file_is_named) {
  embedder_settings s;
  s.api_key_file = folder_ / "none";
  const auto key = read_api_key(s);
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error().message, HasSubstr("none"));
}

TEST_F(api_key_test, is_removed_from_texts) {
  EXPECT_EQ(without_key("bad key sk-1, I say sk-1!", "sk-1"),
            "bad key [API key], I say [API key]!");
  EXPECT_EQ(without_key("A", "A"), "[API key]");  // the replacement holds the key: must still end
  EXPECT_EQ(without_key("text", ""), "text");
}

TEST(embeddings_url, a_trailing_slash_does_not_matter) {
  EXPECT_EQ(embeddings_url("https://host/v1"), "https://host/v1/embeddings");
  EXPECT_EQ(embeddings_url("http://host:8000/v1/"), "http://host:8000/v1/embeddings");
}

TEST(embeddings_url, what_is_no_plain_http_url_is_refused) {
  for (const char* url :
       {"", "host/v1", "ftp://host", "file:///etc/passwd", "http://", "https://h/v1?k=1"}) {
    const auto r = embeddings_url(url);
    ASSERT_FALSE(r) << url;
    EXPECT_EQ(r.error().code, ec::invalid_config);
  }
}

TEST(embeddings_url, a_password_is_refused_and_not_repeated) {
  const auto r = embeddings_url("https://user:secret@host/v1");
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace millrace
