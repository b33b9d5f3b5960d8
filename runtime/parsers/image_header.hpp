// Tells what an encoded image is from its first bytes, without decoding it. Pure, any thread,
// bounded by the size of the header: dimensions are read and never trusted for an allocation.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/core/document.hpp"

namespace millrace::parsers {

/// MIME type of a PNG, JPEG, GIF, WebP, BMP, TIFF, EMF, WMF or SVG image; empty for anything else.
std::string_view image_mime(std::string_view bytes);

/// Everything of image_info. Width and height are 0 where the format does not say them plainly
/// (EMF, TIFF, SVG). Without a known signature the MIME type is application/octet-stream.
image_info describe_image(std::string_view bytes);

/// The bytes of a base64 `data:` URL (RFC 2397), nothing where `url` is something else or is
/// broken.
std::optional<std::string> decode_data_url(std::string_view url);

}  // namespace millrace::parsers
