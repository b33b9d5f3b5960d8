// Finds an image in a `data:` URL of a text again. Pure but for loading a charset's conversion;
// linear in the text.
#pragma once

#include <string>
#include <string_view>

namespace millrace::parsers {

/// image_info::source of an image that stands in a base64 `data:` URL: its SHA-256 is its name.
std::string data_url_source(std::string_view sha256);

/// The bytes of the image of this source in a page or text. Throws malformed_document where there
/// is none.
std::string load_data_url(std::string_view document, std::string_view source);

}  // namespace millrace::parsers
