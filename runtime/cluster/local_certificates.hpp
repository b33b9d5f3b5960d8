// Certificates for nodes that share a machine, a user and a database and have none configured. The
// first node that needs them creates a private CA; each node then has it sign its own certificate.
//
//   FOLDER/ca.pem, ca.key         the CA
//   FOLDER/nodes/NAME.pem, .key   a node's certificate
//   FOLDER/lock                   held while a node checks or creates files
//
// Folders are 0700, files 0600: whoever can read them can act as a node. Any thread; blocks on
// files, and on the lock for at most lock_limit.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

/// Their folder, one per database: below the data directory, or, if the database is a server's
/// (`data_directory` is empty), below the user's default data directory.
std::filesystem::path local_certificates_folder(const std::filesystem::path& data_directory,
                                                const std::string& database_identity);

/// The certificate of `node`, created if it is missing, does not fit or expires within
/// `renewed_before`. permission_denied if the folder cannot be created or others can read it.
result<tls_settings> local_certificates(const std::filesystem::path& folder,
                                        const std::string& cluster, const std::string& node);

/// A certificate is renewed only when its node starts, so it must outlast the node's run.
constexpr std::chrono::hours renewed_before{365 * 24};

}  // namespace millrace
