// Somebody who speaks TLS at a node's link port and verifies nothing: shows which certificate the
// node has in use, and whether it lets this visitor in.
//
// Blocks, at most `patience`.
#pragma once

#include <chrono>
#include <filesystem>

namespace millrace {

struct tls_visit {
  bool heard_a_word = false;       ///< Of what nodes say to each other, beyond the handshake.
  std::chrono::seconds remains{};  ///< Until the node's certificate ends; 0: it showed none.
};

/// At 127.0.0.1. `certificate` and `key` are PEM files; empty: the visitor has none.
tls_visit visit_by_tls(int port, const std::filesystem::path& certificate = {},
                       const std::filesystem::path& key = {});

}  // namespace millrace
