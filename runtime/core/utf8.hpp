// UTF-8 as PostgreSQL and JSON want it: valid, no surrogates, no U+0000.
#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// True where `text` is valid UTF-8 (RFC 3629) without U+0000.
bool is_clean_utf8(std::string_view text);
/// Replaces each maximal invalid sequence by U+FFFD and removes U+0000.
std::string clean_utf8(std::string_view text);

}  // namespace millrace
