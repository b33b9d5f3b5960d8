#include "runtime/cluster/link_session.hpp"

#include <algorithm>
#include <climits>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include "runtime/cluster/openssl_handles.hpp"

namespace millrace {

namespace {

/// What the end that accepts says to one whose certificate it has verified.
constexpr char welcome_byte = 'M';

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "`" : ", `") + name + "`";
  return all;
}

int length(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

link_session::link_session(unique_fd socket, const tls_context& context, side s)
    : socket_{std::move(socket)}, side_{s}, tls_{SSL_new(context.get()), SSL_free} {
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!tls_ || SSL_set_fd(tls_.get(), socket_.get()) != 1) {
    tls_.reset();
    return;
  }
  if (side_ == side::accepts)
    SSL_set_accept_state(tls_.get());
  else
    SSL_set_connect_state(tls_.get());
}

link_session::~link_session() = default;

link_session::handshake link_session::fail_with(std::string why) {
  problem_ = std::move(why);
  return handshake::failed;
}

link_session::handshake link_session::after(int outcome) {
  switch (SSL_get_error(tls_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      return handshake::needs_input;
    case SSL_ERROR_WANT_WRITE:
      return handshake::needs_output;
    default:
      break;
  }
  if (const auto verified = SSL_get_verify_result(tls_.get()); verified != X509_V_OK)
    return fail_with(std::string{"its certificate is not valid under the cluster's CA: "} +
                     X509_verify_cert_error_string(verified));
  const auto code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  if (verified_)  // the server's side, and it hangs up
    return fail_with(std::string{"it does not accept this node's certificate"} +
                     (reason == nullptr ? "" : std::string{": "} + reason));
  return fail_with(reason == nullptr ? "the connection was closed; it does not speak TLS, or it is "
                                       "overloaded"
                                     : reason);
}

link_session::handshake link_session::shake_hands() {
  if (!tls_) return fail_with("no TLS session could be made");
  ERR_clear_error();
  if (!verified_) {
    const int outcome = SSL_do_handshake(tls_.get());
    if (outcome != 1) return after(outcome);
    const openssl::certificate shown{SSL_get1_peer_certificate(tls_.get())};
    if (!shown) return fail_with("it shows no certificate");
    peer_names_ = certified_names(shown.get());
    verified_ = true;
  }
  return welcome();
}

link_session::handshake link_session::welcome() {
  char byte = welcome_byte;
  const int outcome =
      side_ == side::accepts ? SSL_write(tls_.get(), &byte, 1) : SSL_read(tls_.get(), &byte, 1);
  if (outcome != 1) return after(outcome);
  return byte == welcome_byte ? handshake::done
                              : fail_with(
                                    "it speaks another protocol; run one version on all "
                                    "nodes");
}

bool link_session::peer_is(const std::string& node) const {
  return std::ranges::find(peer_names_, node) != peer_names_.end();
}

bool link_session::peer_said_nothing() const {
  return !tls_ || BIO_number_read(SSL_get_rbio(tls_.get())) == 0;
}

link_session::transfer link_session::after_transfer(int outcome) {
  if (outcome > 0) return {true, static_cast<std::size_t>(outcome)};
  const int why = SSL_get_error(tls_.get(), outcome);
  return {why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE, 0};
}

link_session::transfer link_session::read(void* to, std::size_t size) {
  ERR_clear_error();
  return after_transfer(SSL_read(tls_.get(), to, length(size)));
}

link_session::transfer link_session::write(const void* from, std::size_t size) {
  ERR_clear_error();
  return after_transfer(SSL_write(tls_.get(), from, length(size)));
}

std::size_t link_session::pending() const {
  return static_cast<std::size_t>(SSL_pending(tls_.get()));
}

void link_session::shut_down() {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

bool link_session::is_silent_for(duration silence) const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
  return info.tcpi_state == TCP_ESTABLISHED && duration{info.tcpi_last_data_recv} > silence;
}

result<std::shared_ptr<link_session>> dial_link(const link_address& to, const std::string& node,
                                                const tls_context& context) {
  unique_fd socket;
  if (const auto why = connect_to(to, link_connect_limit, socket))
    return fail(ec::node_refused, *why);
  auto session =
      std::make_shared<link_session>(std::move(socket), context, link_session::side::dials);
  const auto end = std::chrono::steady_clock::now() + link_handshake_limit;
  for (;;) {
    const auto at = session->shake_hands();
    if (at == link_session::handshake::done) break;
    if (at == link_session::handshake::failed)
      return fail(ec::node_refused, "the handshake failed: " + session->problem());
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    const bool reads = at == link_session::handshake::needs_input;
    pollfd ready{session->descriptor(), static_cast<short>(reads ? POLLIN : POLLOUT), 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0)
      return fail(ec::node_refused, "the handshake failed: no answer within 3 s");
  }
  if (!session->peer_is(node))
    return fail(ec::node_refused, "the certificate shown there is of " +
                                      joined(session->peer_names()) + ", not of node `" + node +
                                      "`");
  return session;
}

}  // namespace millrace
