// Looks at files and folders that may be missing. "It is not there" and "this process cannot look
// just now" are different answers: without a free descriptor nothing can be opened, and what a
// lookup then finds missing may well be there. Any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/error.hpp"

namespace millrace::postgres {

/// The largest file that read_if_there() reads whole, bytes.
constexpr std::size_t max_small_file = 64 << 10;

/// Reads at most the first max_small_file bytes of a file. Returns nothing if the file is missing
/// or may not be read. resource_exhausted if this process cannot look now.
result<std::optional<std::string>> read_if_there(const std::filesystem::path& file);

/// Lists the names in a folder, unsorted. A missing folder has none. resource_exhausted if this
/// process cannot look now.
result<std::vector<std::string>> names_in(const std::filesystem::path& folder);

}  // namespace millrace::postgres
