// Vectors as bytes: little-endian float32 (how embeddings travel in messages and rows), and base64
// (how servers send them). Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/document.hpp"

namespace millrace {

embedding_bytes encode_embedding(const std::vector<float>& vector);
/// Nothing where the bytes are no whole number of floats.
std::optional<std::vector<float>> decode_embedding(std::string_view bytes);

/// True where no float is infinite or not a number.
bool all_finite(std::string_view embedding);

/// RFC 4648, section 4, with or without padding; nothing where a character or the length is wrong.
std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace millrace
