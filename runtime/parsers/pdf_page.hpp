// One page of a PDF as poppler draws it: its text in reading order and, where they are asked for,
// the places of its images. Images are found while the text is read, in one pass, and never
// decoded: what is hashed are their streams as the file has them.
//
// One thread. Memory is one page's text and at most max_images_a_page images; what a page draws
// beyond that is counted and not kept.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

class PDFDoc;

namespace millrace::parsers {

inline constexpr std::size_t max_images_a_page = 500;
inline constexpr double points_per_inch = 72;

/// In points from the page's upper left corner, as the page is shown.
struct page_box {
  double x0 = 0;
  double y0 = 0;
  double x1 = 0;
  double y1 = 0;

  double width() const { return x1 - x0; }
  double height() const { return y1 - y0; }
  double area() const { return width() > 0 && height() > 0 ? width() * height() : 0; }
};

struct pdf_image {
  page_box box;
  std::uint32_t width = 0;  ///< Pixels of the stream.
  std::uint32_t height = 0;
  std::string sha256;  ///< Of the stream's bytes; empty where they stand in the page itself.
  std::uint64_t size = 0;
};

/// Where a line stands in pdf_page::text.
struct pdf_line {
  std::size_t offset = 0;
  std::size_t flow_offset = 0;  ///< Of the first line of the text that it belongs to.
  page_box box;
};

struct pdf_page {
  std::string text;  ///< Lines, blank lines between blocks, line-end hyphens resolved.
  page_box box;
  // Only where images were asked for:
  std::vector<pdf_line> lines;
  std::vector<pdf_image> images;  ///< Cut to the page, those outside of it left out.
  double image_area = 0;          ///< Of all images, square points; overlaps count twice.
  std::uint64_t strokes = 0;      ///< Paths that were stroked or filled.
};

/// What is known of streams that were hashed already, by their number and generation.
struct stream_hash {
  std::string sha256;
  std::uint64_t size = 0;
};
using stream_hashes = std::map<std::pair<int, int>, stream_hash>;

enum class page_images : bool { ignored, collected };

/// `number` counts from 1. False where the file has no such page.
bool read_pdf_page(PDFDoc& document, std::uint32_t number, page_images images,
                   stream_hashes& hashes, pdf_page& out);

}  // namespace millrace::parsers
