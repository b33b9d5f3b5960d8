#include "runtime/cluster/link_port.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
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
  unique_fd connect() const {
    unique_fd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(
        ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_), 0);
    return client;
  }
  unique_fd accept() const { return unique_fd{::accept(fd.get(), nullptr, nullptr)}; }

  unique_fd fd;

 private:
  sockaddr_in address_{};
};

bool is_closed(const unique_fd& socket) {
  pollfd p{socket.get(), POLLIN, 0};
  char byte;
  return ::poll(&p, 1, 0) == 1 && ::recv(socket.get(), &byte, 1, MSG_PEEK) == 0;
}

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

TEST(link_port, says_whether_one_could_listen_here) {
  const listening_port open;
  EXPECT_EQ(why_not_listening({"127.0.0.1", open.number()}), "Address already in use");
  EXPECT_EQ(why_not_listening({"192.0.2.7", 4700}), "that is no address of this machine");
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

TEST(link_port, drops_who_says_nothing_and_nobody_else) {
  const listening_port ours, another;
  const auto silent = ours.connect();
  const auto silent_here = ours.accept();
  const auto elsewhere = another.connect();
  const auto elsewhere_here = another.accept();
  EXPECT_EQ(drop_silent_connections(ours.number(), milliseconds{60'000}), 0) << "too young";
  int dropped = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto talker = ours.connect();
  const auto talker_here = ours.accept();
  while (dropped == 0 && std::chrono::steady_clock::now() - start < std::chrono::seconds{30}) {
    ASSERT_EQ(::send(talker.get(), "x", 1, 0), 1);
    dropped = drop_silent_connections(ours.number(), milliseconds{300});
  }
  EXPECT_EQ(dropped, 1);
  EXPECT_TRUE(is_closed(silent));
  EXPECT_FALSE(is_closed(talker));
  EXPECT_FALSE(is_closed(elsewhere));
}

}  // namespace
}  // namespace millrace
