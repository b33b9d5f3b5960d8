// A TCP port for a program that is told which one to take.
#pragma once

#include <stdexcept>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/core/unique_fd.hpp"

namespace millrace {

/// One on 127.0.0.1 that is this process's for as long as it lives: a socket is bound there, which
/// whoever listens with SO_REUSEADDR may ignore, and others who look for a port do not. It is none
/// of those that the kernel gives to connections (from 32768 on).
inline std::uint16_t free_port() {
  constexpr unsigned first = 20'000;
  constexpr unsigned count = 12'000;
  static unsigned next = static_cast<unsigned>(::getpid()) * 997;
  static std::vector<unique_fd> reserved;
  for (unsigned tries = 0; tries < count; ++tries) {
    const auto port = static_cast<std::uint16_t>(first + next++ % count);
    unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) continue;
    const int on = 1;  // only now: nobody else was to be bound there
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    reserved.push_back(std::move(fd));
    return port;
  }
  throw std::runtime_error{"no port is free"};
}

}  // namespace millrace
