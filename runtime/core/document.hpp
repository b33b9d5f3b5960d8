// What a document becomes on its way: elements (what the extractor reads), chunks (what is
// embedded), and the result that is committed. Plain values, freely copied between threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/error.hpp"

namespace millrace {

enum class element_kind : std::uint8_t {
  title = 0,
  heading,
  paragraph,
  list_item,
  table,  ///< Text is a Markdown table.
  code,
  image,  ///< Text is the alternative text; `image` below describes it.
  page_break,
};

std::string_view to_string(element_kind kind);

/// What is known of an embedded image without keeping its bytes.
struct image_info {
  std::string sha256;  ///< 64 lower-case hex digits of the encoded bytes.
  std::string mime;
  std::uint32_t width = 0;  ///< Pixels; 0 where unknown.
  std::uint32_t height = 0;
  std::uint64_t size = 0;  ///< Encoded bytes.
  /// Where the bytes are found again in their document, written and read by its parser
  /// (parsers::load_image); empty where they cannot be.
  std::string source = {};
};

/// Which content of a file it is: another one has another size or time of change.
struct file_version {
  std::uint64_t size = 0;    ///< Bytes.
  std::int64_t changed = 0;  ///< Its modification time, nanoseconds since 1970.
  friend bool operator==(const file_version&, const file_version&) = default;
};

/// A link out of a document.
struct document_link {
  std::uint32_t page = 0;  ///< 1-based; 0 where the format has no pages.
  std::string target;      ///< As the document has it: a URL, most often.
};

/// What a user should know of a document that is `ready` all the same: ec::partly_read or
/// ec::empty_document, and a sentence; ec::none where all is well.
using document_warning = error;

/// One piece of a document in reading order. Text is valid UTF-8 without U+0000 and without leading
/// or trailing white space.
struct element {
  element_kind kind = element_kind::paragraph;
  std::uint8_t level = 0;  ///< Heading level 1 to 6 (title: 1); list nesting for list_item.
  std::uint32_t page = 0;  ///< 1-based; 0 where the format has no pages.
  std::string text;
  image_info image;  ///< Only for element_kind::image.
};

/// What an extractor answers for one document.
struct extracted_document {
  std::string mime;    ///< Detected from the content, e.g. "application/pdf".
  std::string sha256;  ///< 64 hex digits of the bytes that were read.
  std::uint64_t size = 0;
  std::uint32_t pages = 0;  ///< 0 where the format has none.
  /// Pages at the beginning that were not read, because whoever asked had them already.
  std::uint32_t skipped_pages = 0;
  std::string title;  ///< From the document's properties; may be empty.
  std::vector<std::pair<std::string, std::string>> properties;  ///< "author", "subject", ...
  std::vector<document_link> links;
  document_warning warning{ec::none, {}};
  std::vector<element> elements;
  std::chrono::milliseconds reading_time{0};  ///< What it took the extractor, as the node saw it.
  file_version version;                       ///< Of its file, as the node opened it.
};

/// Pages that are finished while the document is still being read.
struct finished_pages {
  std::string sha256;  ///< Of the document.
  std::uint64_t size = 0;
  std::uint32_t first = 0;  ///< Pages before these.
  std::uint32_t end = 0;    ///< Pages up to here are finished.
  std::vector<element> elements;
};

/// A piece of a document that is embedded and searched as one.
struct chunk {
  std::string text;
  std::vector<std::string> heading_path;  ///< Outermost first.
  std::uint32_t page_from = 0;
  std::uint32_t page_to = 0;
  std::uint32_t tokens = 0;  ///< Estimated, see runtime/chunking/token_estimator.hpp.
};

/// The embedding of one chunk as `dimensions` little-endian float32, so that it can travel in
/// messages.
using embedding_bytes = std::string;

}  // namespace millrace
