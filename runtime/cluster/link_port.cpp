#include "runtime/cluster/link_port.hpp"

#include <cerrno>
#include <cstring>

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace millrace {

namespace {

constexpr int max_port = 65'535;

/// Connections that wait until they are accepted; the kernel answers more when there is room.
constexpr int backlog = 128;

/// 0 and the connection if it opened, else the reason.
int try_connect(const addrinfo& to, duration limit, unique_fd& socket) {
  socket.reset(
      ::socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol));
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

/// 0 and the bound socket, else the reason.
int try_bind(const addrinfo& at, unique_fd& socket) {
  socket.reset(
      ::socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol));
  if (!socket) return errno;
  // Lets the node listen while connections of an earlier process are in TIME_WAIT.
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
  if (problem == EADDRNOTAVAIL) return "that is not an address of this machine";
  return std::string{std::strerror(problem)};
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
  unique_fd socket;
  return connect_to(to, limit, socket);
}

std::optional<std::string> connect_to(const link_address& to, duration limit, unique_fd& socket) {
  return first_success(to.host, std::to_string(to.port),
                       [&](const addrinfo& a) { return try_connect(a, limit, socket); });
}

bool is_of_this_machine(const std::string& host) {
  unique_fd socket;
  return !first_success(host, "0", [&](const addrinfo& a) { return try_bind(a, socket); });
}

std::optional<std::string> why_not_listening(const link_address& at) {
  unique_fd socket;
  return first_success(at.host, std::to_string(at.port),
                       [&](const addrinfo& a) { return try_bind(a, socket); });
}

std::optional<std::string> listen_at(const link_address& at, unique_fd& socket) {
  return first_success(at.host, std::to_string(at.port), [&](const addrinfo& a) {
    if (const int problem = try_bind(a, socket)) return problem;
    return ::listen(socket.get(), backlog) == 0 ? 0 : errno;
  });
}

}  // namespace millrace
