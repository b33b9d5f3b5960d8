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

/// The level of what would be a heading of a deeper one.
constexpr std::uint8_t deepest_heading = 6;

class document_builder {
 public:
  static constexpr std::size_t max_properties = 32;
  static constexpr std::size_t max_links = 10'000;

  explicit document_builder(const parse_limits& limits) : limits_{limits} {}

  /// Ignores text without a visible character.
  void add(element_kind kind, std::string_view text, std::uint8_t level = 0);
  /// An image may have no text; then only what is known of it counts.
  void add_image(std::string_view alternative_text, image_info info);

  /// 1-based page of the elements added from now on; 0 where the format has none.
  void set_page(std::uint32_t page) { page_ = page; }
  void set_page_count(std::uint32_t pages) {
    if (depth_ == 0) document_.pages = pages;
  }
  /// From the document's properties. The first that is not blank stays.
  void set_title(std::string_view title);
  void set_mime(std::string_view mime) {
    if (depth_ == 0) document_.mime = mime;
  }
  /// One of the document's properties: "author", "subject", "keywords", "created", ... Blank values
  /// and those beyond max_properties are left out.
  void add_property(std::string_view name, std::string_view value);
  /// A link's target at the current page. Those beyond max_links are left out.
  void add_link(std::string_view target);
  /// The first warning stays.
  void warn(ec code, std::string sentence);

  /// While a document inside the document is read (an attachment of a message): images get `prefix`
  /// and a slash before their source, so that load_image() finds the way to them, and the inner
  /// document's title, page count and MIME type do not become the outer one's.
  class inner_document {
   public:
    inner_document(document_builder& out, std::string_view prefix);
    ~inner_document();
    inner_document(const inner_document&) = delete;
    inner_document& operator=(const inner_document&) = delete;

   private:
    document_builder& out_;
    std::string outer_prefix_;
    std::uint32_t outer_page_;
  };

  /// While it lives, headings are `levels` deeper and a title is a heading: those of an attachment
  /// stand under the attachment's name.
  class nested_headings {
   public:
    nested_headings(document_builder& out, std::uint8_t levels) : out_{out}, levels_{levels} {
      out_.heading_levels_ += levels_;
    }
    ~nested_headings() { out_.heading_levels_ -= levels_; }
    nested_headings(const nested_headings&) = delete;
    nested_headings& operator=(const nested_headings&) = delete;

   private:
    document_builder& out_;
    std::uint32_t levels_;
  };

  /// The parser began behind limits().known_pages.
  void set_skipped_pages(std::uint32_t pages) {
    if (depth_ == 0) document_.skipped_pages = pages;
  }

  const parse_limits& limits() const { return limits_; }
  std::uint32_t skipped_pages() const { return document_.skipped_pages; }
  std::uint32_t page_count() const { return document_.pages; }
  std::string_view mime() const { return document_.mime; }
  std::string_view title() const { return document_.title; }
  std::span<const element> elements() const { return document_.elements; }
  std::size_t element_count() const { return document_.elements.size(); }
  extracted_document take() && { return std::move(document_); }

 private:
  void append(element e);

  const parse_limits& limits_;
  extracted_document document_;
  std::uint64_t text_bytes_ = 0;
  std::uint32_t page_ = 0;
  std::string source_prefix_;  ///< Of the inner document that is being read; ends in a slash.
  std::uint32_t depth_ = 0;    ///< Of inner documents.
  std::uint32_t heading_levels_ = 0;  ///< Added to each heading's.
};

}  // namespace millrace::parsers
