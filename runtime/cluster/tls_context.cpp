// Reading certificates and what a link makes of them; certificates.cpp makes them.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "runtime/cluster/certificates.hpp"
#include "runtime/cluster/openssl_handles.hpp"

namespace millrace {

namespace openssl {

namespace {

/// Without one OpenSSL would ask on the terminal.
char no_password[] = "";

result<open_file> open_to_read(const std::string& file) {
  open_file in{std::fopen(file.c_str(), "re")};
  if (!in) return fail(ec::invalid_config, file + " cannot be read; `millrace certs` makes it");
  return in;
}

}  // namespace

tl::unexpected<error> failure(const std::string& what) {
  char reason[256] = "no reason given";
  if (const auto code = ERR_get_error()) ERR_error_string_n(code, reason, sizeof reason);
  return fail(ec::internal, what + ": " + reason);
}

result<certificate> read_certificate(const std::string& file) {
  const auto in = open_to_read(file);
  if (!in) return tl::unexpected<error>(in.error());
  certificate c{PEM_read_X509(in->get(), nullptr, nullptr, nullptr)};
  if (!c) return fail(ec::invalid_config, file + " holds no PEM certificate");
  return c;
}

result<private_key> read_key(const std::string& file) {
  const auto in = open_to_read(file);
  if (!in) return tl::unexpected<error>(in.error());
  struct stat status {};
  if (::fstat(::fileno(in->get()), &status) != 0)
    return fail(ec::permission_denied, file + ": " + std::strerror(errno));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    return fail(ec::permission_denied, "the private key " + file +
                                           " is open to others than its owner (mode " + mode +
                                           "); chmod 600 " + file);
  }
  private_key k{PEM_read_PrivateKey(in->get(), nullptr, nullptr, no_password)};
  if (!k) return fail(ec::invalid_config, file + " holds no PEM private key without a password");
  return k;
}

}  // namespace openssl

using openssl::certificate;
using openssl::owned;

namespace {

std::chrono::system_clock::time_point to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string text_of(const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0) return {};
  std::string copy{reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size)};
  OPENSSL_free(utf8);
  return copy;
}

/// Every certificate of a PEM file.
result<std::vector<certificate>> read_certificates(const std::string& file) {
  const openssl::open_file in{std::fopen(file.c_str(), "re")};
  if (!in) return fail(ec::invalid_config, file + " cannot be read; `millrace certs` makes it");
  std::vector<certificate> all;
  while (auto* c = PEM_read_X509(in.get(), nullptr, nullptr, nullptr)) all.emplace_back(c);
  ERR_clear_error();  // the end of the file is one
  if (all.empty()) return fail(ec::invalid_config, file + " holds no PEM certificate");
  return all;
}

/// Whether those who trust what `context` trusts will trust what it shows, at either end of a link.
result<void> check_trust(const tls_context& context, const tls_settings& tls) {
  auto* const own = SSL_CTX_get0_certificate(context.get());
  STACK_OF(X509)* between = nullptr;
  SSL_CTX_get0_chain_certs(context.get(), &between);
  const owned<X509_STORE_CTX, X509_STORE_CTX_free> check{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(context.get()), own, between);
  if (X509_verify_cert(check.get()) != 1) {
    const int why = X509_STORE_CTX_get_error(check.get());
    if (why == X509_V_ERR_CERT_HAS_EXPIRED)
      return fail(ec::invalid_config,
                  tls.certificate + " or its CA has expired; `millrace certs` makes a new one");
    return fail(ec::invalid_config, tls.certificate + " is not signed by " + tls.ca + ": " +
                                        X509_verify_cert_error_string(why));
  }
  for (const int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER})
    if (X509_check_purpose(own, purpose, 0) != 1)
      return fail(ec::invalid_config, tls.certificate +
                                          " is not for both ends of TLS (serverAuth and "
                                          "clientAuth), and a node is each of them");
  return {};
}

result<void> check_name(X509* own, const std::string& file, const std::string& node) {
  const auto names = certified_names(own);
  if (std::ranges::find(names, node) != names.end()) return {};
  return fail(ec::invalid_config, file + " is the certificate of `" +
                                      (names.empty() ? std::string{} : names.front()) +
                                      "`, not of node `" + node + "`; `millrace certs` makes one");
}

/// Each end of a link proves who it is; nothing of a session outlives its connection.
tls_context mutual_tls() {
  tls_context context{SSL_CTX_new(TLS_method()), SSL_CTX_free};
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

}  // namespace

tls_settings for_node(tls_settings tls, const std::string& node) {
  constexpr std::string_view placeholder = "{node}";
  for (auto* path : {&tls.certificate, &tls.key, &tls.ca})
    for (auto at = path->find(placeholder); at != std::string::npos; at = path->find(placeholder))
      path->replace(at, placeholder.size(), node);
  return tls;
}

result<tls_context> load_tls_context(const tls_settings& tls, const std::string& node) {
  auto own = read_certificates(tls.certificate);
  if (!own) return tl::unexpected<error>(own.error());
  const auto key = openssl::read_key(tls.key);
  if (!key) return tl::unexpected<error>(key.error());
  const auto authorities = read_certificates(tls.ca);
  if (!authorities) return tl::unexpected<error>(authorities.error());
  auto* const shown = own->front().get();
  if (X509_check_private_key(shown, key->get()) != 1)
    return fail(ec::invalid_config, tls.key + " is not the key of " + tls.certificate);
  auto context = mutual_tls();
  for (const auto& ca : *authorities)
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), ca.get());
  if (SSL_CTX_use_certificate(context.get(), shown) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key->get()) != 1)
    return openssl::failure("using " + tls.certificate);
  for (auto c = own->begin() + 1; c != own->end(); ++c)
    SSL_CTX_add1_chain_cert(context.get(), c->get());
  if (auto trusted = check_trust(context, tls); !trusted)
    return tl::unexpected<error>(trusted.error());
  if (auto named = check_name(shown, tls.certificate, node); !named)
    return tl::unexpected<error>(named.error());
  return context;
}

std::chrono::system_clock::time_point certificate_end(const tls_context& context) {
  return to_time(X509_get0_notAfter(SSL_CTX_get0_certificate(context.get())));
}

result<std::chrono::system_clock::time_point> certificate_end(const std::string& file) {
  const auto c = openssl::read_certificate(file);
  if (!c) return tl::unexpected<error>(c.error());
  return to_time(X509_get0_notAfter(c->get()));
}

std::vector<std::string> certified_names(X509* shown) {
  std::vector<std::string> names;
  auto* subject = X509_get_subject_name(shown);
  for (int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, NID_commonName, at))
    names.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  const owned<GENERAL_NAMES, GENERAL_NAMES_free> alternatives{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(shown, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type != GEN_DNS) continue;
    auto text = text_of(name->d.dNSName);
    if (std::ranges::find(names, text) == names.end()) names.push_back(std::move(text));
  }
  return names;
}

}  // namespace millrace
