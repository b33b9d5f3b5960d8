// One end of a link: a TCP connection with mutual TLS. Knows which node the other end's certificate
// belongs to. Owns its descriptor, so it can never shut down a connection that reuses the number.
//
// shake_hands(), read() and write() never block; one thread at a time may call them. shut_down()
// and is_silent_for() may be called from any thread that holds the session.
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
  /// The state of the handshake.
  enum class handshake : std::uint8_t { done, needs_input, needs_output, failed };
  struct transfer {
    bool open = true;       ///< False: the connection has ended, cleanly or not.
    std::size_t bytes = 0;  ///< 0 while it is open: nothing could be moved now.
  };

  /// `socket` is in non-blocking mode.
  link_session(unique_fd socket, const tls_context& context, side s);
  ~link_session();
  link_session(const link_session&) = delete;
  link_session& operator=(const link_session&) = delete;

  /// Continues the handshake. For the side that dialled, `done` means that it was let in: the
  /// accepting side confirms with one byte, because a TLS 1.3 client would otherwise learn that it
  /// was refused only from its first read.
  handshake shake_hands();
  /// Why the handshake failed, as a sentence.
  const std::string& problem() const { return problem_; }
  /// The names in the other end's certificate; known once the handshake is done.
  const std::vector<std::string>& peer_names() const { return peer_names_; }
  bool peer_is(const std::string& node) const;
  /// The other end has sent nothing at all, like a port check.
  bool peer_said_nothing() const;

  transfer read(void* to, std::size_t size);
  transfer write(const void* from, std::size_t size);
  /// Bytes that were received and decrypted but not read yet.
  std::size_t pending() const;

  int descriptor() const { return socket_.get(); }
  /// Both ends then read the end of the connection.
  void shut_down();
  /// True if nothing has come from the other end for `silence`.
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

/// A session with `node` at `to`. Blocks for at most both limits below, plus resolving the name.
/// node_refused, with a message that does not repeat the address.
result<std::shared_ptr<link_session>> dial_link(const link_address& to, const std::string& node,
                                                const tls_context& context);
/// For opening the TCP connection, and for the handshake on it.
constexpr auto link_connect_limit = std::chrono::seconds{2};
constexpr auto link_handshake_limit = std::chrono::seconds{3};

}  // namespace millrace
