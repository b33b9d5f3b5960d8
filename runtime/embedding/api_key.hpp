// Reads the API key from the environment or a file. The key is never logged and never part of an
// error.
//
// Called once a provider, at start; reads a small file, so not on an actor scheduler's thread.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

/// A longer key is refused, bytes: the file is the wrong one.
inline constexpr std::size_t max_api_key_bytes = 4'096;

/// The key from s.api_key_file where it is set, else from the variable that s.api_key_env names;
/// empty where neither is set (a server without keys). invalid_config where the place that is named
/// has no key.
result<std::string> read_api_key(const embedder_settings& s);

/// `text` with every occurrence of the key replaced: servers repeat in errors what they were sent.
std::string without_key(std::string text, std::string_view key);

}  // namespace millrace
