// The certificates of the links between nodes: a CA of the cluster's own and a certificate a node,
// made, checked and dated with OpenSSL. Whoever the CA signed is let in, so it signs nothing else.
//
// Any thread; blocks (files).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

/// "{node}" in the paths replaced: one config file serves every node.
tls_settings for_node(tls_settings tls, const std::string& node);

/// invalid_config with a sentence where the files cannot be read, the key is not the certificate's,
/// the CA did not sign it, or it is not valid today.
result<void> check_certificates(const tls_settings& tls);

/// When a certificate ends.
result<std::chrono::system_clock::time_point> certificate_end(const std::string& file);

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
  /// Writes NODE.pem and NODE.key, readable by this user only, each in one step: a running node
  /// finds the old pair or the new one.
  result<certificate_files> issue(const std::string& node, int days) const;
  bool is_new() const { return is_new_; }

 private:
  std::filesystem::path directory_;
  bool is_new_ = false;
};

}  // namespace millrace
