#include "runtime/http/listener.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/core/system_error.hpp"

namespace millrace::http {

namespace {

constexpr std::string_view unix_prefix = "unix:";
constexpr auto socket_flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

std::string reason(int error_number) {
  return std::generic_category().message(error_number);
}

tl::unexpected<error> listen_failure(const std::string& where, int error_number) {
  if (is_exhaustion(error_number))
    return tl::unexpected<error>(system_error(error_number, "cannot listen on " + where));
  const auto cannot = "cannot listen on " + where + ": " + reason(error_number);
  switch (error_number) {
    case EADDRINUSE:
      return fail(ec::port_taken, cannot +
                                      "; stop what listens there, or choose another address "
                                      "with [api] listen");
    case EACCES:
    case EPERM:
      return fail(ec::permission_denied,
                  cannot + "; choose a port above 1023 or a folder that this user may write");
    default:
      return fail(ec::invalid_config, cannot + "; set [api] listen to an address of this machine");
  }
}

struct host_and_port {
  std::string host;
  std::string port;
};

/// Splits "127.0.0.1:80", "[::1]:80" or "name:80"; nothing where it is none of them.
std::optional<host_and_port> split_address(const std::string& listen) {
  const auto colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  host_and_port out{listen.substr(0, colon), listen.substr(colon + 1)};
  if (out.host.front() == '[') {
    if (out.host.back() != ']' || out.host.size() < 3) return std::nullopt;
    out.host = out.host.substr(1, out.host.size() - 2);
  } else if (out.host.find(':') != std::string::npos) {
    return std::nullopt;
  }
  unsigned port = 0;
  const auto* end = out.port.data() + out.port.size();
  const auto [rest, failed] = std::from_chars(out.port.data(), end, port);
  if (failed != std::errc{} || rest != end || port > 65535) return std::nullopt;
  return out;
}

std::string numeric_address(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  auto* address = reinterpret_cast<sockaddr*>(&bound);
  if (getsockname(socket, address, &size) != 0 ||
      getnameinfo(address, size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return {};
  const auto bracketed =
      bound.ss_family == AF_INET6 ? "[" + std::string(host.data()) + "]" : std::string(host.data());
  return bracketed + ":" + port.data();
}

/// True where somebody accepts connections at this path (or cannot for the moment, which is alive
/// too).
bool somebody_listens(const sockaddr_un& address) {
  const unique_descriptor probe(socket(AF_UNIX, socket_flags, 0));
  if (probe.get() < 0) return true;
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return true;
  return errno != ECONNREFUSED && errno != ENOENT;
}

/// Removes the socket file of a server that is gone.
result<void> clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode))
    return fail(ec::invalid_config, "cannot listen on unix:" + path +
                                        ": there is a file that is no socket; move it away");
  if (somebody_listens(address)) return listen_failure("unix:" + path, EADDRINUSE);
  unlink(path.c_str());
  return {};
}

}  // namespace

unique_descriptor& unique_descriptor::operator=(unique_descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int unique_descriptor::release() noexcept {
  return std::exchange(fd_, -1);
}

void unique_descriptor::reset() noexcept {
  if (fd_ >= 0) ::close(release());
}

result<listener> listener::open(const std::string& listen) {
  if (listen.starts_with(unix_prefix)) return open_unix(listen.substr(unix_prefix.size()));
  return open_tcp(listen);
}

result<listener> listener::open_tcp(const std::string& listen) {
  const auto address = split_address(listen);
  if (!address)
    return fail(ec::invalid_config, "'" + listen +
                                        "' is not an address to listen on; write HOST:PORT, "
                                        "[IPV6]:PORT or unix:PATH");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto failed = getaddrinfo(address->host.c_str(), address->port.c_str(), &hints, &found);
  if (failed != 0)
    return fail(ec::invalid_config,
                "cannot listen on " + listen + ": " + gai_strerror(failed) + "; check the host");
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  listener out;
  out.family_ = found->ai_family;
  out.socket_ = unique_descriptor(socket(found->ai_family, socket_flags, 0));
  const int on = 1;
  if (out.socket_.get() < 0 ||
      setsockopt(out.socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(out.socket_.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(out.socket_.get(), backlog) != 0)
    return listen_failure(listen, errno);
  out.address_ = numeric_address(out.socket_.get());
  return out;
}

result<listener> listener::open_unix(const std::string& path) {
  const auto where = "unix:" + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return fail(ec::invalid_config, "cannot listen on '" + where + "': the path must have 1 to " +
                                        std::to_string(sizeof address.sun_path - 1) +
                                        " bytes; choose a shorter one");
  std::memcpy(address.sun_path, path.data(), path.size());

  listener out;
  out.family_ = AF_UNIX;
  out.address_ = where;
  const auto lock_path = path + ".lock";
  out.lock_ = unique_descriptor(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (out.lock_.get() < 0) return listen_failure(where, errno);
  if (flock(out.lock_.get(), LOCK_EX | LOCK_NB) != 0)
    return listen_failure(where, errno == EWOULDBLOCK ? EADDRINUSE : errno);
  if (auto cleared = clear_path(path, address); !cleared) return tl::unexpected(cleared.error());

  out.socket_ = unique_descriptor(socket(AF_UNIX, socket_flags, 0));
  if (out.socket_.get() < 0 ||
      bind(out.socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return listen_failure(where, errno);
  out.path_ = path;
  // Before listen(): until then nobody can connect, whatever the umask let through.
  if (chmod(path.c_str(), 0600) != 0 || ::listen(out.socket_.get(), backlog) != 0)
    return listen_failure(where, errno);
  return out;
}

void listener::remove_file() noexcept {
  if (path_.empty()) return;
  unlink(path_.c_str());
  path_.clear();
}

}  // namespace millrace::http
