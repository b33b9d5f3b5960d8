#include "runtime/cluster/link_port.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/core/unique_fd.hpp"

namespace millrace {

namespace {

constexpr int max_port = 65'535;

/// 0 where it opened, else the reason.
int try_connect(const addrinfo& to, duration limit) {
  const unique_fd socket{
      ::socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol)};
  if (!socket) return errno;
  if (::connect(socket.get(), to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd opened{socket.get(), POLLOUT, 0};
  if (::poll(&opened, 1, static_cast<int>(limit.count())) <= 0) return ETIMEDOUT;
  int problem = 0;
  socklen_t size = sizeof problem;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
  return problem;
}

/// 0 where it could be bound and is free again, else the reason.
int try_bind(const addrinfo& at) {
  const unique_fd socket{::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC, at.ai_protocol)};
  if (!socket) return errno;
  // As CAF binds: what a former process left behind in TIME_WAIT is no obstacle.
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return ::bind(socket.get(), at.ai_addr, at.ai_addrlen) == 0 ? 0 : errno;
}

/// Nothing where `attempt` returns 0 for one of the addresses that are meant, else why the last one
/// failed.
template <class Attempt>
std::optional<std::string> first_success(const std::string& host, const std::string& port,
                                         Attempt attempt) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int problem = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found))
    return std::string{"its name is not known: "} + ::gai_strerror(problem);
  int problem = 0;
  for (auto* a = found; a != nullptr; a = a->ai_next)
    if ((problem = attempt(*a)) == 0) break;
  ::freeaddrinfo(found);
  if (problem == 0) return std::nullopt;
  if (problem == EADDRNOTAVAIL) return "that is no address of this machine";
  return std::string{std::strerror(problem)};
}

std::uint16_t local_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  return 0;
}

bool is_silent(int fd, duration silence) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return info.tcpi_state == TCP_ESTABLISHED && duration{info.tcpi_last_data_recv} > silence;
}

}  // namespace

std::string link_address::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<link_address> parse_link_address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string::npos)
    return std::nullopt;
  const auto digits = text.substr(colon + 1);
  if (host.empty() || digits.empty() || digits.size() > 5 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const int port = std::stoi(digits);
  if (port < 1 || port > max_port) return std::nullopt;
  return link_address{std::move(host), static_cast<std::uint16_t>(port)};
}

std::optional<std::string> why_unreachable(const link_address& to, duration limit) {
  return first_success(to.host, std::to_string(to.port),
                       [&](const addrinfo& a) { return try_connect(a, limit); });
}

bool is_of_this_machine(const std::string& host) {
  return !first_success(host, "0", try_bind);
}

std::optional<std::string> why_not_listening(const link_address& at) {
  return first_success(at.host, std::to_string(at.port), try_bind);
}

int drop_silent_connections(std::uint16_t port, duration silence) {
  int dropped = 0;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd", problem}) {
    const int fd = std::atoi(entry.path().filename().c_str());
    if (local_port(fd) != port || !is_silent(fd, silence)) continue;
    if (::shutdown(fd, SHUT_RDWR) == 0) ++dropped;
  }
  return dropped;
}

}  // namespace millrace
