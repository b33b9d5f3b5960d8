// Somebody who speaks TLS at a node's link port, or at the address of one, and verifies nothing:
// shows which certificate the node has in use, whom it lets in, and whom it trusts.
//
// Blocks, at most `patience`.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "runtime/core/unique_fd.hpp"

namespace millrace {

struct tls_visit {
  bool heard_a_word = false;       ///< Of what nodes say to each other, beyond the handshake.
  std::chrono::seconds remains{};  ///< Until the node's certificate ends; 0: it showed none.
  bool stays = false;  ///< The node did not close the connection after the visitor's words.
};

/// At 127.0.0.1. `certificate` and `key` are PEM files; empty: the visitor has none. Says `words`
/// after the handshake, and then waits until the node closes the connection.
tls_visit visit_by_tls(int port, const std::filesystem::path& certificate = {},
                       const std::filesystem::path& key = {}, const std::string& words = {});

/// Listens at a port of 127.0.0.1, with these PEM files.
class tls_listener {
 public:
  tls_listener(std::filesystem::path certificate, std::filesystem::path key);
  int port() const { return port_; }
  /// Whether the next one who dials goes through with the handshake.
  bool is_trusted() const;
  /// Lets the next one in, as a node does.
  void welcome_next() const;

 private:
  struct dialler;
  dialler next() const;

  std::filesystem::path certificate_, key_;
  unique_fd fd_;
  int port_ = 0;
};

}  // namespace millrace
