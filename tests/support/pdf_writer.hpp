// Writes PDF documents for tests, page by page: of a document of any length it holds a few bytes an
// object. The same calls make the same bytes. For one thread.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

class pdf_writer {
 public:
  /// `out` must outlive it.
  explicit pdf_writer(std::ostream& out);
  pdf_writer(const pdf_writer&) = delete;
  pdf_writer& operator=(const pdf_writer&) = delete;

  /// A page with a line for each line of the text. Letters, digits and spaces only.
  void add_text_page(const std::string& text);
  /// An image that is there once, for any number of pages.
  struct image {
    std::size_t object = 0;
    double width = 0;  ///< Points, at 300 dots per inch.
    double height = 0;
  };
  image add_image(std::string_view gray_png);
  /// A page without text: the image, and below it a rule of its own length, so that no page looks
  /// like another.
  void add_scanned_page(const image& shown);
  // Pieces of documents that are out of the ordinary; each returns its object's number.
  std::size_t add_object(const std::string& object) { return add(object); }
  /// `entries` of its dictionary, but for the length.
  std::size_t add_stream(const std::string& entries, const std::string& content);
  /// A page that draws this, or the stream that was added; `size`: "612 792", in points.
  void add_page(const std::string& content, const std::string& resources, const std::string& size);
  void add_page_of(std::size_t content, const std::string& resources, const std::string& size);
  static std::string reference(std::size_t number);
  static std::string font_resource();  ///< Of /F1.

  /// Page tree and cross-reference table; nothing can be added any more.
  void finish();

  std::size_t pages() const { return pages_.size(); }

 private:
  std::size_t add(const std::string& object);
  void write(std::size_t number, const std::string& object);

  std::ostream& out_;
  std::size_t written_ = 0;          ///< Bytes.
  std::vector<std::size_t> places_;  ///< Of the objects, from number 1 on.
  std::vector<std::size_t> pages_;   ///< Their objects.
};

/// A document of text pages, in memory.
std::string make_pdf(const std::vector<std::string>& pages);

}  // namespace millrace
