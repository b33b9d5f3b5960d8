// A segment: a finished piece of a document, compressed, checked and versioned, so that what comes
// back from storage is either exactly what was saved or nothing. What is in it: pieces.hpp.
//
// Pure. Format 3: zstd with its content checksum over "MRC3" and the content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// What a piece of work depends on: 32 bytes, equal only where the bytes of the document, the
/// options, the model and this format are. A source that changed, or a checkpoint of another
/// version, has another key.
std::string checkpoint_key(const std::string& content_sha256, const std::string& options,
                           const std::string& model);

/// Larger ones are neither made nor read.
inline constexpr std::size_t max_segment_content = 64U << 20;

/// Empty where the content is too large for one segment.
std::string pack_segment(std::string_view content);
/// The content; nothing where the segment is truncated, changed, too large or of another format.
std::optional<std::string> unpack_segment(const std::string& segment);

}  // namespace millrace
