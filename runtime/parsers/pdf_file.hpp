// Opens a PDF by poppler and reads what stands beside its pages: properties, outline, links and
// embedded files. One thread; the bytes must outlive the object. Poppler prints nothing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/pdf_paragraphs.hpp"

class PDFDoc;

namespace millrace::parsers {

/// A file with more pages is cut, with a warning.
inline constexpr std::uint32_t max_pdf_pages = 20'000;
/// Of the files embedded in a PDF; more are left out.
inline constexpr int max_pdf_attachments = 100;

struct pdf_attachment {
  std::string name;
  std::string bytes;
};

class pdf_file {
 public:
  /// Throws parse_failure: limit_exceeded over 2 GiB, encrypted_document, malformed_document.
  explicit pdf_file(std::string_view bytes);
  ~pdf_file();
  pdf_file(const pdf_file&) = delete;
  pdf_file& operator=(const pdf_file&) = delete;

  PDFDoc& document() { return *document_; }
  std::uint32_t pages() const { return pages_; }
  /// True where the table of objects was damaged and poppler made another from what it found.
  bool rebuilt() const { return *rebuilt_; }

  /// Properties and title; returns the title.
  std::string read_properties(document_builder& out);
  outline_titles read_outline();
  /// Web addresses that the page links to.
  void add_links(std::uint32_t page, document_builder& out);
  /// Embedded files of at most `max_bytes` together.
  std::vector<pdf_attachment> read_attachments(std::uint64_t max_bytes);

 private:
  void open(std::string_view bytes);
  void open_cut_off(std::string_view bytes);

  std::string repaired_;  ///< The bytes and an end of their own, where they had none.
  std::shared_ptr<bool> rebuilt_;
  std::unique_ptr<PDFDoc> document_;
  std::uint32_t pages_ = 0;
};

}  // namespace millrace::parsers
