// Collects a document's elements and holds every parser to the limits: text is trimmed, made clean
// UTF-8 and counted here, and nowhere else. One document, one thread.
//
// Over a limit add() throws parse_failure with limit_exceeded, so a parser needs no check of its
// own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/core/document.hpp"
#include "runtime/parsers/parse.hpp"

namespace millrace::parsers {

class document_builder {
 public:
  explicit document_builder(const parse_limits& limits) : limits_{limits} {}

  /// Ignores text without a visible character.
  void add(element_kind kind, std::string_view text, std::uint8_t level = 0);
  /// An image may have no text; then only what is known of it counts.
  void add_image(std::string_view alternative_text, image_info info);

  /// 1-based page of the elements added from now on; 0 where the format has none.
  void set_page(std::uint32_t page) { page_ = page; }
  void set_page_count(std::uint32_t pages) { document_.pages = pages; }
  /// From the document's properties. The first that is not blank stays.
  void set_title(std::string_view title);
  void set_mime(std::string_view mime) { document_.mime = mime; }

  const parse_limits& limits() const { return limits_; }
  extracted_document take() && { return std::move(document_); }

 private:
  void append(element e);

  const parse_limits& limits_;
  extracted_document document_;
  std::uint64_t text_bytes_ = 0;
  std::uint32_t page_ = 0;
};

}  // namespace millrace::parsers
