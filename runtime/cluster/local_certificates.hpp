// Certificates of nodes that share a machine, a user and a database, and for which nobody has made
// any: the first node that needs them makes a private CA, and each node has it sign its own.
//
//   FOLDER/ca.pem, ca.key     the CA, of this user alone
//   FOLDER/nodes/NAME.pem, .key
//   FOLDER/lock               held while a node looks and makes
//
// Folders are 0700, files 0600: whoever can read them is a node. Any thread; blocks (files, and the
// lock for at most lock_limit).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

/// Where they are: below the data directory, or, for a database by URL (`data_directory` is empty),
/// below the user's default one. A folder per database.
std::filesystem::path local_certificates_folder(const std::filesystem::path& data_directory,
                                                const std::string& database_identity);

/// Those of `node`, made where they are missing, do not fit or end within `renewed_before`.
/// permission_denied where the folder cannot be made or is not this user's alone.
result<tls_settings> local_certificates(const std::filesystem::path& folder,
                                        const std::string& cluster, const std::string& node);

/// A node renews them at its start only: they last for longer than it runs.
constexpr std::chrono::hours renewed_before{365 * 24};

}  // namespace millrace
