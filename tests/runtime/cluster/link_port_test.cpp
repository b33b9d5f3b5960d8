#include "runtime/cluster/link_port.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/core/unique_fd.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;

/// A socket that listens on a port of this machine.
class listening_port {
 public:
  listening_port() : fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(::listen(fd.get(), 8), 0);
    EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }
  std::uint16_t number() const { return ntohs(address_.sin_port); }

  unique_fd fd;

 private:
  sockaddr_in address_{};
};

TEST(link_address, is_host_and_port_and_nothing_else) {
  EXPECT_EQ(parse_link_address("10.0.0.7:4700")->text(), "10.0.0.7:4700");
  EXPECT_EQ(parse_link_address("[::1]:4700")->host, "::1");
  EXPECT_EQ(parse_link_address("[::1]:4700")->text(), "[::1]:4700");
  for (const auto* text : {"", "host", "host:", ":4700", "host:0", "host:65536", "host:4x",
                           "::1:4700", "host:-1", "host:999999"})
    EXPECT_FALSE(parse_link_address(text)) << text;
}

TEST(link_port, says_whether_somebody_listens) {
  std::uint16_t port = 0;
  {
    const listening_port open;
    port = open.number();
    EXPECT_EQ(why_unreachable({"127.0.0.1", port}, milliseconds{1000}), std::nullopt);
    EXPECT_EQ(why_unreachable({"localhost", port}, milliseconds{1000}), std::nullopt);
  }
  EXPECT_EQ(why_unreachable({"127.0.0.1", port}, milliseconds{1000}), "Connection refused");
  EXPECT_NE(why_unreachable({"no-such-host.invalid", 1}, milliseconds{1000}), std::nullopt);
}

TEST(link_port, connects_and_listens_without_blocking) {
  unique_fd listens, connection;
  EXPECT_EQ(listen_at({"192.0.2.7", 4700}, listens), "that is not an address of this machine");
  std::uint16_t port = 0;
  {
    const listening_port closed;
    port = closed.number();
  }
  ASSERT_EQ(listen_at({"127.0.0.1", port}, listens), std::nullopt);
  EXPECT_EQ(::accept(listens.get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
  ASSERT_EQ(connect_to({"127.0.0.1", port}, milliseconds{1000}, connection), std::nullopt);
  char byte;
  EXPECT_EQ(::recv(connection.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(link_port, says_whether_one_could_listen_here) {
  const listening_port open;
  EXPECT_EQ(why_not_listening({"127.0.0.1", open.number()}), "Address already in use");
  EXPECT_EQ(why_not_listening({"192.0.2.7", 4700}), "that is not an address of this machine");
  EXPECT_NE(why_not_listening({"no-such-host.invalid", 4700}), std::nullopt);
  std::uint16_t free = 0;
  {
    const listening_port closed;
    free = closed.number();
  }
  EXPECT_EQ(why_not_listening({"127.0.0.1", free}), std::nullopt);
  EXPECT_TRUE(is_of_this_machine("127.0.0.1"));
  EXPECT_TRUE(is_of_this_machine("localhost"));
  EXPECT_FALSE(is_of_this_machine("192.0.2.7"));
  EXPECT_FALSE(is_of_this_machine("no-such-host.invalid"));
}

}  // namespace
}  // namespace millrace
