// Reads the text in an image: leptonica decodes, tesseract reads, in this process and thread.
// Tesseract's engine is loaded at the first image of its languages (a tenth of a second, 30 MB) and
// kept until other languages are asked for.
//
// One call at a time a process. No thread is started (OpenMP is switched off), nothing is written;
// read are the tessdata folder and nothing else. Bounded by max_decoded_pixels (raster.hpp) and
// ocr_options::max_pixels; a page of 300 dpi takes seconds and about 200 MB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/core/error.hpp"

namespace millrace::parsers {

/// Debian's packages tesseract-ocr-LANGUAGE put their data here.
inline constexpr std::string_view debian_tessdata = "/usr/share/tesseract-ocr/5/tessdata";

struct ocr_options {
  std::string languages = "eng";  ///< Tesseract's names, joined by "+": "eng+deu".
  std::string tessdata{debian_tessdata};
  /// An image with more is scaled down before it is read. A4 at 300 dpi has 8.7 million.
  std::uint64_t max_pixels = 20'000'000;
  /// Percent that tesseract is sure of. Paragraphs below, weighed by length, are taken for the
  /// texture of a photo.
  int min_confidence = 60;
};

/// Paragraphs parted by blank lines, line-end hyphens resolved; empty where the image shows no
/// text. Errors: unsupported_format (EMF, SVG and others that leptonica does not decode),
/// malformed_document, limit_exceeded, and invalid_config where a language's data are missing: the
/// sentence names the Debian package.
result<std::string> read_image_text(std::string_view encoded_image, const ocr_options& options);

}  // namespace millrace::parsers
