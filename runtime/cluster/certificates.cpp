#include "runtime/cluster/certificates.hpp"

#include <array>
#include <cstdio>

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "runtime/cluster/openssl_handles.hpp"

namespace millrace {

using openssl::certificate;
using openssl::open_file;
using openssl::owned;
using openssl::private_key;
using openssl::read_certificate;
using openssl::read_key;

namespace {

constexpr long day = 86'400;
/// Clocks of nodes differ.
constexpr long backdated = 3'600;

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

void begin_now(X509* c, int days) {
  X509_gmtime_adj(X509_getm_notBefore(c), -backdated);
  X509_gmtime_adj(X509_getm_notAfter(c), days * day);
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
  begin_now(c.get(), days);
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

}  // namespace

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
  if (!key) return openssl::failure("making a key");
  auto c = draft(key.get(), cluster, "millrace cluster CA", authority_days);
  X509_set_issuer_name(c.get(), X509_get_subject_name(c.get()));
  add_extension(c.get(), c.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(c.get(), c.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(c.get(), c.get(), NID_subject_key_identifier, "hash");
  if (X509_sign(c.get(), key.get(), EVP_sha256()) == 0) return openssl::failure("signing the CA");
  if (auto written = write_pair(pem, c.get(), key_file, key.get()); !written)
    return tl::unexpected<error>(written.error());
  authority.is_new_ = true;
  return authority;
}

result<void> certificate_authority::renew() const {
  const auto pem = directory_ / "ca.pem";
  const auto ca = read_certificate(pem.native());
  if (!ca) return tl::unexpected<error>(ca.error());
  const auto key = read_key((directory_ / "ca.key").native());
  if (!key) return tl::unexpected<error>(key.error());
  begin_now(ca->get(), authority_days);
  if (X509_sign(ca->get(), key->get(), EVP_sha256()) == 0)
    return openssl::failure("signing the CA");
  return write_file(pem, [&](std::FILE* f) { return PEM_write_X509(f, ca->get()); });
}

result<certificate_files> certificate_authority::issue(const std::string& node, int days) const {
  if (node == "ca")
    return fail(ec::invalid_argument,
                "a node called `ca` would need the files of the CA itself; choose another name");
  return issue(node, days, directory_);
}

result<certificate_files> certificate_authority::issue(const std::string& node, int days,
                                                       const std::filesystem::path& folder) const {
  const auto ca = read_certificate((directory_ / "ca.pem").native());
  if (!ca) return tl::unexpected<error>(ca.error());
  const auto ca_key = read_key((directory_ / "ca.key").native());
  if (!ca_key) return tl::unexpected<error>(ca_key.error());
  const private_key key{EVP_EC_gen("P-256")};
  if (!key) return openssl::failure("making a key");
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
    return openssl::failure("signing the certificate of " + node);
  const auto pem = folder / (node + ".pem");
  const auto key_file = folder / (node + ".key");
  if (auto written = write_pair(pem, c.get(), key_file, key.get()); !written)
    return tl::unexpected<error>(written.error());
  return certificate_files{pem.native(), key_file.native()};
}

}  // namespace millrace
