#include "tests/cluster/tls_visitor.hpp"

#include <memory>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include "tests/integration/program.hpp"

namespace millrace {

namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* held) const {
    Free(held);
  }
};
using tls_context = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using tls_connection = std::unique_ptr<SSL, freed_by<SSL_free>>;
using x509_certificate = std::unique_ptr<X509, freed_by<X509_free>>;

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void be_patient(const unique_fd& fd) {
  const timeval limit{patience.count(), 0};
  EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
}

void show(const tls_context& to, const std::filesystem::path& certificate,
          const std::filesystem::path& key) {
  EXPECT_EQ(SSL_CTX_use_certificate_chain_file(to.get(), certificate.c_str()), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(to.get(), key.c_str(), SSL_FILETYPE_PEM), 1);
}

std::chrono::seconds remains_of(const tls_connection& tls) {
  const x509_certificate shown{SSL_get1_peer_certificate(tls.get())};
  int days = 0, seconds = 0;
  if (!shown || ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(shown.get())) != 1)
    return {};
  return std::chrono::days{days} + std::chrono::seconds{seconds};
}

}  // namespace

tls_visit visit_by_tls(int port, const std::filesystem::path& certificate,
                       const std::filesystem::path& key, const std::string& words) {
  const unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  be_patient(fd);
  const auto address = loopback(port);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const tls_context context{SSL_CTX_new(TLS_client_method())};
  if (!certificate.empty()) show(context, certificate, key);
  const tls_connection tls{SSL_new(context.get())};
  SSL_set_fd(tls.get(), fd.get());
  tls_visit visit;
  // With TLS 1.3 a client learns that it is refused only when it reads.
  const bool shaken = SSL_connect(tls.get()) == 1;
  visit.remains = remains_of(tls);
  char byte;
  visit.heard_a_word = shaken && SSL_read(tls.get(), &byte, 1) == 1;
  if (words.empty() || !shaken) return visit;
  SSL_write(tls.get(), words.data(), static_cast<int>(words.size()));
  while (SSL_read(tls.get(), &byte, 1) == 1) {
  }
  // A closed connection is an end or an error of the socket, one that stays a time-out.
  visit.stays = errno == EAGAIN;
  return visit;
}

tls_listener::tls_listener(std::filesystem::path certificate, std::filesystem::path key)
    : certificate_{std::move(certificate)},
      key_{std::move(key)},
      fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  be_patient(fd_);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* at = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(fd_.get(), at, size), 0);
  EXPECT_EQ(::listen(fd_.get(), SOMAXCONN), 0);
  EXPECT_EQ(::getsockname(fd_.get(), at, &size), 0);
  port_ = ntohs(address.sin_port);
}

/// A dialler with whom the handshake is done, or has failed.
struct tls_listener::dialler {
  unique_fd fd;
  tls_context context{SSL_CTX_new(TLS_server_method())};
  tls_connection tls;
  bool shaken = false;
};

tls_listener::dialler tls_listener::next() const {
  dialler d;
  char byte;
  do {  // somebody may look whether anybody listens, and says nothing
    d.fd.reset(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!d.fd) {
      ADD_FAILURE() << "nobody dials";
      return d;
    }
    be_patient(d.fd);
  } while (::recv(d.fd.get(), &byte, 1, MSG_PEEK) != 1);
  show(d.context, certificate_, key_);
  d.tls.reset(SSL_new(d.context.get()));
  SSL_set_fd(d.tls.get(), d.fd.get());
  d.shaken = SSL_accept(d.tls.get()) == 1;
  return d;
}

bool tls_listener::is_trusted() const {
  return next().shaken;
}

void tls_listener::welcome_next() const {
  const auto d = next();
  ASSERT_TRUE(d.shaken);
  char byte = 'M';
  EXPECT_EQ(SSL_write(d.tls.get(), &byte, 1), 1);
  while (SSL_read(d.tls.get(), &byte, 1) == 1) {
  }
}

}  // namespace millrace
