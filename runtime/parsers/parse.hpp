// Reads the bytes of one document into elements. Linked only into millrace-extractor (and these
// parsers' tests): everything here runs on hostile bytes and may crash, hang or run out of memory;
// the process boundary contains it.
//
// Libraries open data files when they first need them, so a sandbox must leave them readable:
// glibc's gconv folder, libmagic's magic.mgc and /etc/localtime; for PDF /usr/share/poppler; where
// PDF is rendered (load_image), for fonts that it does not bring, also /etc/fonts,
// /usr/share/fontconfig, /usr/share/fonts, /usr/local/share/fonts and /var/cache/fontconfig; for
// read_image_text() (ocr.hpp) /usr/share/tesseract-ocr. /sys/devices/system/cpu/possible is asked
// for at the start and may be refused. No file is written, no thread or process is started.
//
// One call at a time a process. Detects the format from the content, never from a name.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/parsers/work_meter.hpp"

namespace millrace::parsers {

struct parse_limits {
  std::uint64_t max_text_bytes = 64ULL
                                 << 20;  ///< Sum of all elements' text; over it limit_exceeded.
  std::uint32_t max_elements = 2'000'000;
  std::uint32_t max_depth = 256;                  ///< Nesting of markup.
  std::uint64_t max_unpacked_bytes = 1ULL << 30;  ///< Of all parts read from a ZIP container.
  std::uint32_t max_inner_depth = 4;  ///< Documents in documents (messages in messages).
  bool images = true;                 ///< False: images are not looked for at all.
  /// Pages at the beginning that whoever asks has already: formats that can, begin behind them and
  /// say so (extracted_document::skipped_pages).
  std::uint32_t known_pages = 0;
  work_meter* work = nullptr;  ///< Told of all work; null: nobody is.

  void worked(std::uint64_t bytes) const {
    if (work != nullptr) work->add(bytes);
  }
};

/// How far a document is read.
struct parse_progress {
  std::uint32_t pages = 0;            ///< Finished, skipped ones included.
  std::uint32_t skipped_pages = 0;    ///< As in extracted_document.
  std::span<const element> elements;  ///< All until then.
  // As in extracted_document, as far as it is known.
  std::string_view mime = {};
  std::uint32_t pages_in_all = 0;
  std::string_view title = {};
};

/// Called after each finished page (or comparable piece).
using page_callback = std::function<void(const parse_progress&)>;

/// `bytes` is the whole file (mapped). Empty files yield a document without elements.
/// Errors: unsupported_format (the sentence names the detected format), encrypted_document,
/// malformed_document, limit_exceeded; each with a sentence that tells a user what to do. Fills
/// everything of extracted_document but sha256 and size.
result<extracted_document> parse_document(std::string_view bytes, const parse_limits& limits,
                                          const page_callback& page_done);

/// The encoded bytes (PNG, JPEG, TIFF, PNM, ...) of one image of the document `bytes`; `source` is
/// what parse_document() wrote into its image_info. malformed_document where the document has no
/// such image.
result<std::string> load_image(std::string_view bytes, std::string_view source,
                               const parse_limits& limits);

/// The MIME type alone, for choosing between these parsers and a user's own. malformed_document
/// where not even the container can be opened.
result<std::string> detect_mime(std::string_view bytes);

}  // namespace millrace::parsers
