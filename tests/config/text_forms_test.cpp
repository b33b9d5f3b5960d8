#include "config/text_forms.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(text_forms, listen_addresses) {
  for (const char* good : {"", "127.0.0.1:8080", "localhost:0", "[::1]:8080", "0.0.0.0:65535",
                           "unix:/run/millrace.sock"})
    EXPECT_TRUE(is_listen_address(good)) << good;
  for (const char* bad : {"8080", ":8080", "localhost", "localhost:", "localhost:65536", "::1:8080",
                          "localhost:http", "unix:", "unix:relative", "host name:80", "[]:80"})
    EXPECT_FALSE(is_listen_address(bad)) << bad;
}

TEST(text_forms, database_urls) {
  for (const char* good :
       {"embedded:", "embedded:./data", "postgresql://host/db", "postgres://host"})
    EXPECT_TRUE(is_database_url(good)) << good;
  for (const char* bad : {"", "embedded", "mysql://host/db", "host=localhost dbname=x"})
    EXPECT_FALSE(is_database_url(bad)) << bad;
}

TEST(text_forms, names_and_types) {
  EXPECT_TRUE(is_name("node-1.west"));
  EXPECT_TRUE(is_name(std::string(63, 'a')));
  for (const std::string& bad : {std::string(), std::string("-a"), std::string("a b"),
                                 std::string("a/b"), std::string(64, 'a')})
    EXPECT_FALSE(is_name(bad)) << bad;
  EXPECT_TRUE(is_mime_type("application/vnd.ms-excel"));
  for (const char* bad : {"text", "/plain", "text/", "text/a/b", "text/a b"})
    EXPECT_FALSE(is_mime_type(bad)) << bad;
  EXPECT_TRUE(is_variable_name("OPENAI_API_KEY"));
  for (const char* bad : {"1KEY", "sk-abc", "A B", "$KEY"})
    EXPECT_FALSE(is_variable_name(bad)) << bad;
}

TEST(text_forms, loopback_hosts) {
  for (const char* good : {"localhost", "127.0.0.1", "127.3.2.1", "::1"})
    EXPECT_TRUE(is_loopback_host(good)) << good;
  for (const char* bad : {"", "0.0.0.0", "10.0.0.1", "::", "127.evil.example.com"})
    EXPECT_FALSE(is_loopback_host(bad)) << bad;
}

TEST(text_forms, passwords_in_urls_are_seen) {
  for (const char* bad : {"postgresql://u:p@h/d", "postgresql://u:p/w@h/d", "https://u:p@h",
                          "postgresql://h/d?user=u&password=p", "host=h password=p"})
    EXPECT_TRUE(has_password(bad)) << bad;
  for (const char* good : {"postgresql://u@h:5432/d", "postgresql://h:5432/d?sslmode=require",
                           "embedded:/a:b@c", "https://h:8080/v1"})
    EXPECT_FALSE(has_password(good)) << good;
}

}  // namespace
}  // namespace millrace
