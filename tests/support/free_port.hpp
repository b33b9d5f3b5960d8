// A TCP port for a program that is told which one to take.
#pragma once

#include <atomic>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/core/unique_fd.hpp"

namespace millrace {

/// One that nobody uses on 127.0.0.1. Not of those that the kernel gives to connections (from 32768
/// on), which would be taken before the program has started; each process begins elsewhere.
inline std::uint16_t free_port() {
  constexpr unsigned first = 20'000;
  constexpr unsigned count = 12'000;
  static std::atomic<unsigned> next{static_cast<unsigned>(::getpid()) * 61};
  for (unsigned tries = 0; tries < count; ++tries) {
    const auto port = static_cast<std::uint16_t>(first + next++ % count);
    const unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return port;
  }
  throw std::runtime_error{"no port is free"};
}

}  // namespace millrace
