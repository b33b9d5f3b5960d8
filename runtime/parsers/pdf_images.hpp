// Which images of a PDF page become image elements, where they stand in its text, and how their
// pixels are found again: by rendering their place on the page, so that labels drawn over a figure
// are part of it. One thread.
//
// A page without text of its own (a scan) becomes one image of the whole page. What says nothing is
// left out: small images, backgrounds under text, and what was seen on an earlier page.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/document.hpp"
#include "runtime/parsers/pdf_page.hpp"
#include "runtime/parsers/pdf_paragraphs.hpp"

namespace millrace::parsers {

inline constexpr std::size_t max_images_a_pdf = 10'000;
/// Of a rendered image or page; 300 dpi of A4 are 8.7 million. More is rendered at fewer dpi.
inline constexpr double max_rendered_pixels = 20'000'000;

class pdf_image_chooser {
 public:
  /// `bytes`: the PDF; hashed only where a page has no hash of its own.
  explicit pdf_image_chooser(std::string_view bytes) : bytes_{bytes} {}

  /// In the order of their places.
  std::vector<placed_image> choose(const pdf_page& page, std::uint32_t number);
  /// True once images were left out because of max_images_a_pdf or max_images_a_page.
  bool is_over_limit() const { return over_limit_; }

 private:
  placed_image whole_page(const pdf_page& page, std::uint32_t number,
                          const std::vector<pdf_image>& images);
  void hash_in_page(pdf_image& image, std::uint32_t number, std::size_t index);
  const std::string& document_hash();

  std::string_view bytes_;
  std::string document_hash_;
  std::set<std::string> seen_;
  bool over_limit_ = false;
};

}  // namespace millrace::parsers
