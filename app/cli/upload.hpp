// Sends files of this machine to a node that does not see them (`submit --upload`): a few at a
// time, each under its path below the folder that was named. Nothing is queued by that.
//
// Blocks; reports on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "app/cli/client.hpp"
#include "app/cli/commands.hpp"

namespace millrace::cli {

/// Files on their way at a time.
inline constexpr int upload_threads = 4;
/// How long a file is tried again, where the node is busy or does not answer, without any file
/// that arrives.
inline constexpr std::chrono::minutes upload_patience{10};
/// Between tries; each pause is twice the one before.
inline constexpr std::chrono::milliseconds first_retry_pause{500};
inline constexpr std::chrono::milliseconds longest_retry_pause{10'000};
/// Smaller files are sent, larger ones only where the node does not have their content.
inline constexpr std::uintmax_t least_asked_size = 64 << 10;
/// What one submission may name; the API takes no larger request.
inline constexpr std::size_t max_submission_bytes = 15 << 20;

struct uploaded_files {
  std::vector<std::string> uris;  ///< In the order of the walk.
  std::uint64_t unreadable = 0;   ///< Files and folders: said on standard error, and left out.
};

/// invalid_argument where two files would have one name, or nothing matches; limit_exceeded where
/// one submission cannot name them all; source_unreadable where files or folders cannot be read and
/// --prune would remove their documents (for folders, before anything is sent); cancelled by a stop
/// signal, which ends what is being sent; the node's error.
result<uploaded_files> upload_files(const client& api, const submit_options& o,
                                    const std::vector<std::filesystem::path>& paths, bool quiet);

}  // namespace millrace::cli
