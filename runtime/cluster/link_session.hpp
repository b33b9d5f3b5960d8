// One end of a link: a TCP connection and the mutual TLS session on it. Knows by whose certificate
// the other end is. Owns its descriptor, so that nobody can shut down another's.
//
// shake_hands(), read() and write() never block and are for one thread at a time; shut_down() and
// is_silent_for() for any thread that holds the session.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/link_port.hpp"
#include "runtime/core/unique_fd.hpp"

struct ssl_st;

namespace millrace {

class link_session {
 public:
  enum class side : std::uint8_t { accepts, dials };
  /// Where the handshake stands.
  enum class handshake : std::uint8_t { done, needs_input, needs_output, failed };
  struct transfer {
    bool open = true;       ///< False: the connection has ended, in order or not.
    std::size_t bytes = 0;  ///< 0 while it is open: none at the moment.
  };

  /// `socket` does not block.
  link_session(unique_fd socket, const tls_context& context, side s);
  ~link_session();
  link_session(const link_session&) = delete;
  link_session& operator=(const link_session&) = delete;

  /// Goes on with the handshake. Done for the one that dialled means that it was let in: the one
  /// that accepts says so with a byte, which a client of TLS 1.3 would otherwise learn from its
  /// first read.
  handshake shake_hands();
  /// Why the handshake failed, as a sentence.
  const std::string& problem() const { return problem_; }
  /// Whom the other end's certificate names; known when the handshake is done.
  const std::vector<std::string>& peer_names() const { return peer_names_; }
  bool peer_is(const std::string& node) const;
  /// The other end has sent nothing at all: it only looked whether somebody listens.
  bool peer_said_nothing() const;

  transfer read(void* to, std::size_t size);
  transfer write(const void* from, std::size_t size);
  /// Bytes that were received and decrypted, and are not read yet.
  std::size_t pending() const;

  int descriptor() const { return socket_.get(); }
  /// The other end reads the end of the connection, and so does this one.
  void shut_down();
  /// Nothing has come from the other end for so long.
  bool is_silent_for(duration silence) const;

 private:
  handshake welcome();
  handshake after(int outcome);
  transfer after_transfer(int outcome);
  handshake fail_with(std::string why);

  unique_fd socket_;
  const side side_;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;
  bool verified_ = false;
  std::string problem_;
  std::vector<std::string> peer_names_;
};

/// A session with whoever is at `to`, by its name in `names`. Blocks for at most both limits and
/// for the name's resolution. node_refused with a sentence that does not name the address.
result<std::shared_ptr<link_session>> dial_link(const link_address& to, const std::string& node,
                                                const tls_context& context);
/// Until a TCP connection is open, until the handshake is done.
constexpr auto link_connect_limit = std::chrono::seconds{2};
constexpr auto link_handshake_limit = std::chrono::seconds{3};

}  // namespace millrace
