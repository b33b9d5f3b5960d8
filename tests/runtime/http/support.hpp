// What the HTTP tests share: a scratch folder, a raw client that sends any bytes, and waiting with
// a deadline.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/http/listener.hpp"
#include "runtime/http/server.hpp"

namespace millrace::http::test {

/// No test waits longer for anything.
inline constexpr std::chrono::seconds patience{60};

/// A folder of this test's own, short enough for a socket's path, removed with the object.
class scratch_folder {
 public:
  scratch_folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "mr-http-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~scratch_folder() { std::filesystem::remove_all(path_); }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// A handler that waits until the test lets it go.
class gate {
 public:
  /// In the handler.
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, patience, [&] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// True once `count` handlers have come as far as this.
  bool wait_for(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

/// Sends bytes as they are and reads what comes, each read bounded by `patience`.
class raw_client {
 public:
  explicit raw_client(const std::string& address) {
    if (address.starts_with("unix:"))
      connect_unix(address.substr(5));
    else
      connect_tcp(address);
    const timeval limit{patience.count(), 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }

  bool connected() const { return connected_; }

  /// False where the server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  void end_sending() { shutdown(socket_.get(), SHUT_WR); }

  /// Reads one response that has a Content-Length: head and body. What came before the connection
  /// ended where it is cut.
  std::string read_response() {
    while (received_.find("\r\n\r\n") == std::string::npos && read_some()) {
    }
    const auto head = received_.find("\r\n\r\n");
    if (head == std::string::npos) return std::exchange(received_, {});
    const auto end = head + 4 + content_length(received_.substr(0, head));
    while (received_.size() < end && read_some()) {
    }
    auto out = received_.substr(0, end);
    received_.erase(0, end);
    return out;
  }

  /// Everything until the server closes. Fails the test where it does not within `patience`.
  std::string read_to_end() {
    while (read_some()) {
    }
    EXPECT_FALSE(timed_out_) << "the server did not close";
    return std::exchange(received_, {});
  }

  bool timed_out() const { return timed_out_; }

  /// Reads until `text` has come.
  bool read_until(std::string_view text) {
    while (received_.find(text) == std::string::npos)
      if (!read_some()) return false;
    return true;
  }

 private:
  static std::size_t content_length(const std::string& head) {
    constexpr std::string_view name = "Content-Length: ";
    const auto at = head.find(name);
    return at == std::string::npos ? 0
                                   : std::strtoull(head.c_str() + at + name.size(), nullptr, 10);
  }

  bool read_some() {
    std::array<char, 65536> buffer{};
    const auto size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    timed_out_ = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (size <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }

  void connect_unix(const std::string& path) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path.data(), path.size());
    socket_ = unique_descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    connected_ = connect(socket_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }

  void connect_tcp(const std::string& address) {
    const auto colon = address.rfind(':');
    auto host = address.substr(0, colon);
    if (host.front() == '[') host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    ASSERT_EQ(getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found), 0);
    socket_ = unique_descriptor(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    connected_ = connect(socket_.get(), found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
  }

  unique_descriptor socket_;
  bool connected_ = false;
  bool timed_out_ = false;
  std::string received_;
};

inline std::unique_ptr<server> start(handler handle, server_config config = {}) {
  if (config.listen.empty()) config.listen = "127.0.0.1:0";
  auto started = server::start(std::move(config), std::move(handle));
  if (!started) {
    ADD_FAILURE() << started.error().message;
    return nullptr;
  }
  return std::move(*started);
}

/// Answers "METHOD path body".
inline response echo(const request& r) {
  response out;
  out.content_type = "text/plain";
  out.body = r.method + " " + r.path + " " + r.body;
  return out;
}

inline std::string get(std::string_view path, std::string_view more_headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n" + std::string(more_headers) +
         "\r\n";
}

}  // namespace millrace::http::test
