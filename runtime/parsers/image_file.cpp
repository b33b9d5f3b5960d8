// An image file as a document: one image element, or one a page of a TIFF. What the image says is
// read later, from the bytes that load_image_file() finds again.
#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "runtime/core/sha256.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/raster.hpp"

namespace millrace::parsers {

namespace {

constexpr std::string_view whole_image = "whole";
constexpr std::string_view page_prefix = "page:";
/// Faxes and scans in one TIFF; more is cut with a warning.
constexpr std::uint32_t max_tiff_pages = 2'000;

constexpr std::string_view damaged_image =
    "a part of the image is missing: it is damaged or was cut off; get a complete copy of it";

/// Decodes at the smallest size that JPEG has: only whether it can be.
void check_pixels(std::string_view bytes, std::uint32_t page, document_builder& out) {
  if (decode_raster(bytes, 1, page).damaged) out.warn(ec::partly_read, std::string{damaged_image});
}

}  // namespace

void parse_image_file(const parse_input& in, document_builder& out) {
  const auto size = read_raster_size(in.bytes);
  if (!in.limits.images) return;
  check_pixels(in.bytes, 0, out);
  auto info = describe_image(in.bytes);
  info.width = size.width;
  info.height = size.height;
  info.source = whole_image;
  out.add_image({}, std::move(info));
  if (in.progress) in.progress(1);
}

void parse_tiff(const parse_input& in, document_builder& out) {
  read_raster_size(in.bytes);
  const auto found = count_tiff_pages(in.bytes, max_tiff_pages + 1);
  const auto pages = std::clamp(found, 1U, max_tiff_pages);
  out.set_page_count(pages);
  if (found > pages)
    out.warn(ec::partly_read, "the TIFF has more than " + std::to_string(max_tiff_pages) +
                                  " pages; the rest was left out: split the file");
  if (!in.limits.images) return;
  auto info = describe_image(in.bytes);
  const auto file_hash = info.sha256;
  for (std::uint32_t page = 1; page <= pages; ++page) {
    const auto number = std::to_string(page);
    out.set_page(page);
    try {
      const auto size = read_raster_size(in.bytes, page - 1);
      check_pixels(in.bytes, page - 1, out);
      info.width = size.width;
      info.height = size.height;
      info.source = std::string{page_prefix} + number;
      // The same bytes hold all pages; images with one hash would be taken for one.
      if (pages > 1) info.sha256 = sha256_hex(file_hash + ":" + number);
      out.add_image({}, info);
    } catch (const parse_failure&) {
      if (pages == 1) throw;
      out.warn(ec::partly_read, "page " + number +
                                    " of the TIFF cannot be decoded; get a complete "
                                    "copy of it");
    }
    if (in.progress) in.progress(page);
  }
}

std::string load_image_file(std::string_view bytes, std::string_view source,
                            const parse_limits& /*limits*/) {
  if (source == whole_image) return std::string{bytes};
  std::uint32_t page = 0;
  const auto number = source.substr(std::min(source.size(), page_prefix.size()));
  const auto [end, code] = std::from_chars(number.begin(), number.end(), page);
  if (!source.starts_with(page_prefix) || code != std::errc{} || end != number.end() || page == 0 ||
      page > max_tiff_pages || image_mime(bytes) != "image/tiff")
    throw parse_failure{ec::malformed_document,
                        "the document has no image at " + std::string{source}};
  const auto decoded = decode_raster(bytes, max_decoded_pixels, page - 1);
  return encode_pnm(*decoded.pix);
}

}  // namespace millrace::parsers
