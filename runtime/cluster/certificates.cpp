#include "runtime/cluster/certificates.hpp"

#include <array>
#include <cstdio>
#include <memory>

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace millrace {

namespace {

template <class T, void (*Free)(T*)>
struct freer {
  void operator()(T* p) const { Free(p); }
};
template <class T, void (*Free)(T*)>
using owned = std::unique_ptr<T, freer<T, Free>>;
using certificate = owned<X509, X509_free>;
using private_key = owned<EVP_PKEY, EVP_PKEY_free>;
struct file_closer {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using open_file = std::unique_ptr<std::FILE, file_closer>;

constexpr long day = 86'400;
/// Without one OpenSSL would ask on the terminal.
char no_password[] = "";
/// Clocks of nodes differ.
constexpr long backdated = 3'600;

tl::unexpected<error> openssl_failure(const std::string& what) {
  char reason[256] = "no reason given";
  if (const auto code = ERR_get_error()) ERR_error_string_n(code, reason, sizeof reason);
  return fail(ec::internal, what + ": " + reason);
}

result<certificate> read_certificate(const std::string& file) {
  const open_file in{std::fopen(file.c_str(), "re")};
  if (!in) return fail(ec::invalid_config, file + " cannot be read; `millrace certs` makes it");
  certificate c{PEM_read_X509(in.get(), nullptr, nullptr, nullptr)};
  if (!c) return fail(ec::invalid_config, file + " holds no PEM certificate");
  return c;
}

result<private_key> read_key(const std::string& file) {
  const open_file in{std::fopen(file.c_str(), "re")};
  if (!in) return fail(ec::invalid_config, file + " cannot be read; `millrace certs` makes it");
  private_key k{PEM_read_PrivateKey(in.get(), nullptr, nullptr, no_password)};
  if (!k) return fail(ec::invalid_config, file + " holds no PEM private key without a password");
  return k;
}

/// Written beside and renamed, so that no reader finds half of it.
template <class Write>
result<void> write_file(const std::filesystem::path& path, Write write) {
  const auto beside = path.native() + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  open_file out{fd < 0 ? nullptr : ::fdopen(fd, "w")};
  if (!out) return fail(ec::permission_denied, beside + " cannot be written");
  const bool written = write(out.get()) == 1 && std::fflush(out.get()) == 0 && ::fsync(fd) == 0;
  out.reset();
  if (written && std::rename(beside.c_str(), path.c_str()) == 0) return {};
  ::unlink(beside.c_str());
  return fail(ec::permission_denied, path.native() + " cannot be written");
}

result<void> write_pair(const std::filesystem::path& pem, X509* c, const std::filesystem::path& key,
                        EVP_PKEY* k) {
  auto done = write_file(key, [&](std::FILE* f) {
    return PEM_write_PrivateKey(f, k, nullptr, nullptr, 0, nullptr, nullptr);
  });
  if (!done) return done;
  return write_file(pem, [&](std::FILE* f) { return PEM_write_X509(f, c); });
}

void add_extension(X509* c, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, c, nullptr, nullptr, 0);
  if (auto* e = X509V3_EXT_conf_nid(nullptr, &context, kind, value)) {
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
  }
}

/// A certificate of `key` in the name of `subject`, unsigned.
certificate draft(EVP_PKEY* key, const std::string& organisation, const std::string& subject,
                  int days) {
  certificate c{X509_new()};
  X509_set_version(c.get(), 2);
  std::array<unsigned char, 16> serial{};
  RAND_bytes(serial.data(), serial.size());
  serial[0] &= 0x7F;
  owned<BIGNUM, BN_free> number{BN_bin2bn(serial.data(), serial.size(), nullptr)};
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(c.get()));
  X509_gmtime_adj(X509_getm_notBefore(c.get()), -backdated);
  X509_gmtime_adj(X509_getm_notAfter(c.get()), days * day);
  X509_set_pubkey(c.get(), key);
  auto* name = X509_get_subject_name(c.get());
  const auto add = [name](const char* field, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
  };
  add("O", organisation);
  add("CN", subject);
  return c;
}

result<std::chrono::system_clock::time_point> to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return openssl_failure("reading a date");
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace

tls_settings for_node(tls_settings tls, const std::string& node) {
  constexpr std::string_view placeholder = "{node}";
  for (auto* path : {&tls.certificate, &tls.key, &tls.ca})
    for (auto at = path->find(placeholder); at != std::string::npos; at = path->find(placeholder))
      path->replace(at, placeholder.size(), node);
  return tls;
}

result<void> check_certificates(const tls_settings& tls) {
  const auto own = read_certificate(tls.certificate);
  if (!own) return tl::unexpected<error>(own.error());
  const auto key = read_key(tls.key);
  if (!key) return tl::unexpected<error>(key.error());
  const auto ca = read_certificate(tls.ca);
  if (!ca) return tl::unexpected<error>(ca.error());
  if (X509_check_private_key(own->get(), key->get()) != 1)
    return fail(ec::invalid_config, tls.key + " is not the key of " + tls.certificate);
  owned<X509_STORE, X509_STORE_free> store{X509_STORE_new()};
  X509_STORE_add_cert(store.get(), ca->get());
  owned<X509_STORE_CTX, X509_STORE_CTX_free> check{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(check.get(), store.get(), own->get(), nullptr);
  if (X509_verify_cert(check.get()) == 1) return {};
  const int why = X509_STORE_CTX_get_error(check.get());
  if (why == X509_V_ERR_CERT_HAS_EXPIRED)
    return fail(ec::invalid_config,
                tls.certificate + " or its CA has expired; `millrace certs` makes a new one");
  return fail(ec::invalid_config, tls.certificate + " is not signed by " + tls.ca + ": " +
                                      X509_verify_cert_error_string(why));
}

result<std::chrono::system_clock::time_point> certificate_end(const std::string& file) {
  const auto c = read_certificate(file);
  if (!c) return tl::unexpected<error>(c.error());
  return to_time(X509_get0_notAfter(c->get()));
}

result<certificate_authority> certificate_authority::open(const std::filesystem::path& directory,
                                                          const std::string& cluster) {
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (problem) return fail(ec::permission_denied, directory.native() + ": " + problem.message());
  certificate_authority authority;
  authority.directory_ = directory;
  const auto pem = directory / "ca.pem";
  const auto key_file = directory / "ca.key";
  const bool has_pem = std::filesystem::exists(pem, problem);
  const bool has_key = std::filesystem::exists(key_file, problem);
  if (has_pem && has_key) return authority;
  if (has_pem || has_key)
    return fail(
        ec::invalid_argument,
        (has_pem ? key_file : pem).native() +
            " is missing; put it back, or choose another folder for a new CA, which no node "
            "with a certificate of the old one lets in");
  const private_key key{EVP_EC_gen("P-256")};
  if (!key) return openssl_failure("making a key");
  auto c = draft(key.get(), cluster, "millrace cluster CA", authority_days);
  X509_set_issuer_name(c.get(), X509_get_subject_name(c.get()));
  add_extension(c.get(), c.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(c.get(), c.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(c.get(), c.get(), NID_subject_key_identifier, "hash");
  if (X509_sign(c.get(), key.get(), EVP_sha256()) == 0) return openssl_failure("signing the CA");
  if (auto written = write_pair(pem, c.get(), key_file, key.get()); !written)
    return tl::unexpected<error>(written.error());
  authority.is_new_ = true;
  return authority;
}

result<certificate_files> certificate_authority::issue(const std::string& node, int days) const {
  const auto ca = read_certificate((directory_ / "ca.pem").native());
  if (!ca) return tl::unexpected<error>(ca.error());
  const auto ca_key = read_key((directory_ / "ca.key").native());
  if (!ca_key) return tl::unexpected<error>(ca_key.error());
  const private_key key{EVP_EC_gen("P-256")};
  if (!key) return openssl_failure("making a key");
  auto* ca_name = X509_get_subject_name(ca->get());
  char organisation[256] = "";
  X509_NAME_get_text_by_NID(ca_name, NID_organizationName, organisation, sizeof organisation);
  auto c = draft(key.get(), organisation, node, days);
  X509_set_issuer_name(c.get(), ca_name);
  add_extension(c.get(), ca->get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(c.get(), ca->get(), NID_key_usage, "critical,digitalSignature");
  add_extension(c.get(), ca->get(), NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(c.get(), ca->get(), NID_subject_alt_name, ("DNS:" + node).c_str());
  add_extension(c.get(), ca->get(), NID_authority_key_identifier, "keyid");
  if (X509_sign(c.get(), ca_key->get(), EVP_sha256()) == 0)
    return openssl_failure("signing the certificate of " + node);
  const auto pem = directory_ / (node + ".pem");
  const auto key_file = directory_ / (node + ".key");
  if (auto written = write_pair(pem, c.get(), key_file, key.get()); !written)
    return tl::unexpected<error>(written.error());
  return certificate_files{pem.native(), key_file.native()};
}

}  // namespace millrace
