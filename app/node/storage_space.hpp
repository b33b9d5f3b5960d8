// Claims stop before the disk is full: what is in flight must still be committed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "config/settings.hpp"

namespace millrace {

/// A sentence if less than `min_free` is free at `directory` (empty: nothing is looked at).
std::optional<std::string> storage_problem(const std::filesystem::path& directory,
                                           byte_size min_free);

}  // namespace millrace
