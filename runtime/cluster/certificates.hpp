// The certificates of the links between nodes: a CA of the cluster's own and a certificate per
// node, made, checked and dated with OpenSSL. A node is whom its certificate names (its CN and its
// DNS names); whoever the CA signed is let in, so it signs nothing else.
//
// Any thread; blocks (files).
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"

struct ssl_ctx_st;
struct x509_st;

namespace millrace {

/// OpenSSL's SSL_CTX: sessions are made from it on any thread.
using tls_context = std::shared_ptr<ssl_ctx_st>;

/// "{node}" in the paths replaced: one config file serves every node.
tls_settings for_node(tls_settings tls, const std::string& node);

/// The node's certificate and the CA that it trusts, for both ends of a link: TLS 1.3, mutual.
/// invalid_config with the reason if the files cannot be read, the key does not belong to the
/// certificate, the CA did not sign it, it is not valid today or it does not name `node`;
/// permission_denied if others can read the key.
result<tls_context> load_tls_context(const tls_settings& tls, const std::string& node);

/// When the certificate of a context expires.
std::chrono::system_clock::time_point certificate_end(const tls_context& context);

/// When a certificate ends.
result<std::chrono::system_clock::time_point> certificate_end(const std::string& file);

/// Whom a certificate names: its CN and its DNS names.
std::vector<std::string> certified_names(x509_st* certificate);

struct certificate_files {
  std::string certificate;
  std::string key;
};

class certificate_authority {
 public:
  static constexpr int authority_days = 3'650;
  static constexpr int default_node_days = 397;

  /// The CA in `directory` (ca.pem, ca.key), made with the folder where it is not there.
  static result<certificate_authority> open(const std::filesystem::path& directory,
                                            const std::string& cluster);
  /// Writes NODE.pem and NODE.key into the CA's folder, readable by this user only, each in one
  /// step: a running node finds the old pair or the new one.
  result<certificate_files> issue(const std::string& node, int days) const;
  /// …or into another folder that is there.
  result<certificate_files> issue(const std::string& node, int days,
                                  const std::filesystem::path& folder) const;
  /// Signs the CA's own certificate anew, with the same key: what it has issued stays valid.
  result<void> renew() const;
  bool is_new() const { return is_new_; }
  std::filesystem::path file() const { return directory_ / "ca.pem"; }

 private:
  std::filesystem::path directory_;
  bool is_new_ = false;
};

}  // namespace millrace
