#include "runtime/http/listener.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/runtime/http/support.hpp"

namespace millrace::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A socket file with nobody behind it, as a killed server leaves it.
void leave_stale_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const unique_descriptor s(socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(bind(s.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

TEST(listener, port_0_becomes_a_real_port) {
  const auto l = listener::open("127.0.0.1:0");
  ASSERT_TRUE(l) << l.error().message;
  EXPECT_THAT(l->address(), StartsWith("127.0.0.1:"));
  EXPECT_THAT(l->address(), Not(testing::EndsWith(":0")));
}

TEST(listener, a_port_that_is_taken_is_said_so) {
  const auto first = listener::open("127.0.0.1:0");
  ASSERT_TRUE(first);
  const auto second = listener::open(first->address());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ec::port_taken);
  EXPECT_THAT(second.error().message, HasSubstr(first->address()));
}

TEST(listener, what_is_not_an_address_is_a_configuration_error) {
  for (const auto* text : {"", "localhost", ":80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "127.0.0.1:-1", "::1:80", "[::1]", "[]:80", "unix:", "256.0.0.1:0"}) {
    const auto l = listener::open(text);
    ASSERT_FALSE(l) << text;
    EXPECT_EQ(l.error().code, ec::invalid_config) << text;
  }
}

TEST(listener, an_address_of_another_machine_is_a_configuration_error) {
  const auto l = listener::open("192.0.2.1:0");
  ASSERT_FALSE(l);
  EXPECT_EQ(l.error().code, ec::invalid_config);
}

TEST(listener, a_socket_file_is_private_and_goes_with_the_listener) {
  const test::scratch_folder folder;
  const auto path = folder.file("api.sock");
  {
    const auto l = listener::open("unix:" + path);
    ASSERT_TRUE(l) << l.error().message;
    EXPECT_EQ(l->address(), "unix:" + path);
    struct stat found {};
    ASSERT_EQ(stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(listener, a_stale_socket_file_is_replaced) {
  const test::scratch_folder folder;
  const auto path = folder.file("api.sock");
  leave_stale_socket(path);
  EXPECT_TRUE(listener::open("unix:" + path));
}

TEST(listener, a_live_socket_is_left_alone) {
  const test::scratch_folder folder;
  const auto where = "unix:" + folder.file("api.sock");
  const auto first = listener::open(where);
  ASSERT_TRUE(first);
  const auto second = listener::open(where);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ec::port_taken);
  EXPECT_TRUE(test::raw_client(where).connected());
}

TEST(listener, a_live_socket_of_another_program_is_left_alone) {
  const test::scratch_folder folder;
  const auto where = "unix:" + folder.file("api.sock");
  const auto first = listener::open(where);
  ASSERT_TRUE(first);
  // Without our lock, as a program that knows nothing of it.
  std::filesystem::remove(folder.file("api.sock.lock"));
  const auto second = listener::open(where);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ec::port_taken);
  EXPECT_TRUE(test::raw_client(where).connected());
}

TEST(listener, a_file_that_is_no_socket_is_never_removed) {
  const test::scratch_folder folder;
  const auto path = folder.file("precious");
  std::ofstream(path) << "data";
  const auto l = listener::open("unix:" + path);
  ASSERT_FALSE(l);
  EXPECT_EQ(l.error().code, ec::invalid_config);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST(listener, a_path_too_long_for_a_socket_is_refused_with_the_limit) {
  const auto l = listener::open("unix:/tmp/" + std::string(108, 'x'));
  ASSERT_FALSE(l);
  EXPECT_EQ(l.error().code, ec::invalid_config);
  EXPECT_THAT(l.error().message, HasSubstr("107"));
}

}  // namespace
}  // namespace millrace::http
