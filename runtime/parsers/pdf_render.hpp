// Renders a page of a PDF, or a region of it, to PNM. How a place on a page is written as the
// source of an image and read again stands here too. One thread; memory is max_rendered_pixels.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/parsers/pdf_page.hpp"

namespace millrace::parsers {

/// Whole dots per inch: what tesseract likes, or fewer where the page is large.
std::uint32_t page_dpi(const page_box& page);
/// The image's own resolution where it stands, within what is sensible.
std::uint32_t image_dpi(const pdf_image& image);
std::uint32_t pixels_of(double points, std::uint32_t dpi);

/// "page:3": the whole page, grey.
std::string page_source(std::uint32_t page);
/// "region:3:72:100:372:300:150": page, box in points, dpi; in colour.
std::string region_source(std::uint32_t page, const page_box& box, std::uint32_t dpi);

}  // namespace millrace::parsers
