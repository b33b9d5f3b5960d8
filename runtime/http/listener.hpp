// A listening socket: "HOST:PORT" over IPv4 or IPv6, or "unix:PATH" with mode 0600.
//
// Opened once, by the thread that starts a server. Of two servers that want the same path one gets
// it: the owner holds a lock on PATH.lock for as long as it listens, so a socket file that nobody
// holds is known to be left over and is replaced. close() removes the socket file; the lock file
// stays, empty (removing it would race with the next owner).
#pragma once

#include <string>

#include "runtime/core/error.hpp"

namespace millrace::http {

/// A file descriptor that is closed with the object.
class unique_descriptor {
 public:
  explicit unique_descriptor(int fd = -1) : fd_(fd) {}
  unique_descriptor(unique_descriptor&& other) noexcept : fd_(other.release()) {}
  unique_descriptor& operator=(unique_descriptor&& other) noexcept;
  ~unique_descriptor() { reset(); }

  int get() const { return fd_; }
  int release() noexcept;
  void reset() noexcept;

 private:
  int fd_;
};

class listener {
 public:
  /// Most connections that the kernel completes before they are accepted.
  static constexpr int backlog = 512;

  /// invalid_config (not an address, or the path is no socket), port_taken or permission_denied.
  static result<listener> open(const std::string& listen);

  listener(listener&&) noexcept = default;
  listener& operator=(listener&&) noexcept = default;
  ~listener() { remove_file(); }

  /// "HOST:PORT" with the real port, or "unix:PATH".
  const std::string& address() const { return address_; }
  /// AF_INET, AF_INET6 or AF_UNIX.
  int family() const { return family_; }
  /// Hands the socket over; the file and its lock stay here.
  int release_socket() { return socket_.release(); }
  /// Removes the socket's file, once; the lock is held until the object ends.
  void remove_file() noexcept;

 private:
  listener() = default;
  static result<listener> open_tcp(const std::string& listen);
  static result<listener> open_unix(const std::string& path);

  unique_descriptor socket_;
  unique_descriptor lock_;
  std::string address_;
  std::string path_;  ///< Of the socket file; empty for TCP.
  int family_ = 0;
};

}  // namespace millrace::http
