#include "tests/support/statement_gate.hpp"

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace millrace {

namespace {

constexpr auto socket_name = ".s.PGSQL.5432";
/// A message of the server: its type, and a length that counts itself (PostgreSQL, chapter 55).
constexpr std::size_t head_bytes = 5;
constexpr char ready_for_query = 'Z';
/// Its name and its value follow, each with a zero behind it.
constexpr char parameter_status = 'S';
constexpr std::string_view version_parameter{"server_version\0", 15};

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    throw std::runtime_error{"the path of a socket is too long: " + path.native()};
  std::strcpy(static_cast<char*>(address.sun_path), path.c_str());
  return address;
}

unique_fd new_socket() {
  return unique_fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
}

bool send_all(int to, const char* data, std::size_t size) {
  while (size > 0) {
    const auto sent = ::send(to, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

/// Bytes of the message that `data` begins with; 0 if it is not complete.
std::size_t complete_message(std::string_view data) {
  if (data.size() < head_bytes) return 0;
  std::size_t length = 1;
  std::uint32_t announced = 0;
  for (std::size_t i = 1; i < head_bytes; ++i)
    announced = announced << 8U | static_cast<unsigned char>(data[i]);
  length += announced;
  return data.size() < length ? 0 : length;
}

}  // namespace

statement_gate::statement_gate(const std::filesystem::path& server)
    : server_{server / socket_name}, listener_{new_socket()} {
  const auto address = address_of(directory_.path() / socket_name);
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 16) != 0)
    throw std::runtime_error{"the gate's socket cannot be made"};
  accepting_ = std::jthread{[this] { accept_clients(); }};
}

statement_gate::~statement_gate() {
  let_go();
  ::shutdown(listener_.get(), SHUT_RDWR);  // ends accept()
}

void statement_gate::say_version(std::string version) {
  const std::lock_guard lock{mutex_};
  version_ = std::move(version);
}

std::string statement_gate::told(std::string message) const {
  const std::lock_guard lock{mutex_};
  if (version_.empty() || message.front() != parameter_status ||
      !message.substr(head_bytes).starts_with(version_parameter))
    return message;
  const auto body = std::string{version_parameter} + version_ + '\0';
  const auto length = static_cast<unsigned char>(body.size() + head_bytes - 1);
  return std::string{parameter_status, 0, 0, 0, static_cast<char>(length)} + body;
}

void statement_gate::hold(int number) {
  const std::lock_guard lock{mutex_};
  number_ = number;
  answers_ = 0;
  held_ = false;
  client_ended_ = false;
}

bool statement_gate::wait() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return held_ || client_ended_; });
  return held_;
}

void statement_gate::client_ended() {
  const std::lock_guard lock{mutex_};
  client_ended_ = true;
  changed_.notify_all();
}

void statement_gate::let_go() {
  const std::lock_guard lock{mutex_};
  number_ = 0;
  held_ = false;
  changed_.notify_all();
}

int statement_gate::answers() const {
  const std::lock_guard lock{mutex_};
  return answers_;
}

void statement_gate::accept_clients() {
  for (;;) {
    unique_fd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (!client) return;
    auto server = new_socket();
    const auto address = address_of(server_);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      continue;  // the client finds its session closed
    sessions_.emplace_back([this, c = std::move(client), s = std::move(server)]() mutable {
      pass_on(std::move(c), std::move(s));
    });
  }
}

void statement_gate::pass_on(unique_fd client, unique_fd server) {
  std::array<char, 64 * 1024> buffer{};
  std::string pending;
  for (;;) {
    std::array<pollfd, 2> ends{{{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0) return;
    if (ends[0].revents != 0) {
      const auto got = ::recv(client.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0 || !send_all(server.get(), buffer.data(), static_cast<std::size_t>(got))) return;
    }
    if (ends[1].revents != 0) {
      const auto got = ::recv(server.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return;
      pending.append(buffer.data(), static_cast<std::size_t>(got));
      if (!forward(pending, client.get())) return;
    }
  }
}

bool statement_gate::forward(std::string& pending, int client) {
  for (;;) {
    const auto size = complete_message(pending);
    if (size == 0) return true;
    if (pending.front() == ready_for_query) count_answer();
    const auto message = told(pending.substr(0, size));
    if (!send_all(client, message.data(), message.size())) return false;
    pending.erase(0, size);
  }
}

void statement_gate::count_answer() {
  std::unique_lock lock{mutex_};
  if (++answers_ != number_) return;
  held_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !held_; });
}

}  // namespace millrace
