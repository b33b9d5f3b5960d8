// The loop of an extractor process: takes documents from the node, has them parsed, answers. Free
// of parsers, so that a parser of another kind needs two functions.
//
// One thread, one document at a time. Returns when the node closes its end of the socket.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/extraction/channel.hpp"

namespace millrace::extraction {

/// How far a document is read.
struct pages_read {
  std::uint32_t finished = 0;         ///< Skipped ones included.
  std::uint32_t skipped = 0;          ///< Of those that are known.
  std::span<const element> elements;  ///< All until then.
  // Of the whole document, as far as it is known.
  std::string_view mime = {};
  std::uint32_t pages = 0;
  std::string_view title = {};
};

/// Called after each finished page.
using page_callback = std::function<void(const pages_read&)>;

/// Called often between pages, or throughout if the format has none. `bytes` of the document's
/// contents have been processed so far.
using work_callback = std::function<void(std::uint64_t bytes)>;

/// One document to be parsed.
struct parse_order {
  std::string_view bytes;
  std::uint64_t max_text_bytes = 0;
  bool images = true;
  std::uint32_t known_pages = 0;
  const page_callback& page_done;
  const work_callback& worked;
};

/// What a process can do.
struct parser_functions {
  /// Fills all but sha256 and size.
  std::function<result<extracted_document>(const parse_order&)> parse;
  /// The text in one image of the document `bytes`, paragraphs separated by a blank line.
  std::function<result<std::string>(std::string_view bytes, const image_request&)> read_image;
  /// The MIME type of a document that is for another parser; nothing for all others. May be empty.
  std::function<std::optional<std::string>(std::string_view bytes)> redirect = nullptr;
};

/// Greets, then serves. The process's exit code: 0, or protocol_exit_code where the node sends
/// nonsense.
int serve(channel& node, const parser_functions& parser);

}  // namespace millrace::extraction
