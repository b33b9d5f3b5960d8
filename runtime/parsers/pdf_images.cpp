#include "runtime/parsers/pdf_images.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "runtime/core/sha256.hpp"
#include "runtime/parsers/pdf_render.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Bullets, rules, icons.
constexpr std::uint32_t min_image_pixels = 32;
constexpr double min_image_points = 18;
/// A page with less text (a stamp, a page number) and mostly covered by images is a scan.
constexpr std::size_t min_page_characters = 50;
constexpr double scan_share = 0.5;
/// Over text, an image of this share of the page is its background, or a scan that was read before.
constexpr double background_share = 0.8;
/// Letters drawn as shapes take many of them; a frame or a rule takes few.
constexpr std::uint64_t min_strokes_of_content = 16;
/// Strips and tiles of one picture touch within this.
constexpr double touching_points = 1;

std::size_t visible_characters(std::string_view text, std::size_t enough) {
  std::size_t count = 0;
  for (const char c : text) {
    const bool starts_character = (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    if (!is_space(c) && starts_character && ++count >= enough) break;
  }
  return count;
}

bool is_near(double a, double b) {
  return std::abs(a - b) <= touching_points;
}

/// Whether `next` goes on where `image` ends: below, above or beside, with the same edges.
bool is_continued_by(const pdf_image& image, const pdf_image& next) {
  const auto& a = image.box;
  const auto& b = next.box;
  const bool same_columns = is_near(a.x0, b.x0) && is_near(a.x1, b.x1);
  const bool same_rows = is_near(a.y0, b.y0) && is_near(a.y1, b.y1);
  return (same_columns && (is_near(a.y1, b.y0) || is_near(a.y0, b.y1))) ||
         (same_rows && (is_near(a.x1, b.x0) || is_near(a.x0, b.x1)));
}

/// Some programs cut pictures into strips.
void join(pdf_image& image, const pdf_image& next) {
  const bool below = is_near(image.box.x0, next.box.x0) && is_near(image.box.x1, next.box.x1);
  auto& grown = below ? image.height : image.width;
  grown += below ? next.height : next.width;
  image.box = {std::min(image.box.x0, next.box.x0), std::min(image.box.y0, next.box.y0),
               std::max(image.box.x1, next.box.x1), std::max(image.box.y1, next.box.y1)};
  image.sha256 = sha256_hex(image.sha256 + next.sha256);
  image.size += next.size;
}

bool says_something(const pdf_image& image) {
  return image.width >= min_image_pixels && image.height >= min_image_pixels &&
         image.box.width() >= min_image_points && image.box.height() >= min_image_points;
}

/// Before the block whose line is next below the image in its column; at the end where there is
/// none.
std::size_t place_of(const pdf_image& image, const pdf_page& page) {
  const pdf_line* nearest = nullptr;
  for (const auto& line : page.lines) {
    const bool in_column = line.box.x0 < image.box.x1 && line.box.x1 > image.box.x0;
    const bool below = line.box.y0 >= image.box.y1 - line.box.height() / 2;
    if (in_column && below && (nearest == nullptr || line.box.y0 < nearest->box.y0))
      nearest = &line;
  }
  return nearest == nullptr ? page.text.size() : nearest->flow_offset;
}

double share_of(double area, const pdf_page& page) {
  return page.box.area() > 0 ? area / page.box.area() : 0;
}

}  // namespace

const std::string& pdf_image_chooser::document_hash() {
  if (document_hash_.empty()) document_hash_ = sha256_hex(bytes_);
  return document_hash_;
}

void pdf_image_chooser::hash_in_page(pdf_image& image, std::uint32_t number, std::size_t index) {
  if (image.sha256.empty())
    image.sha256 =
        sha256_hex(document_hash() + ":" + std::to_string(number) + ":" + std::to_string(index));
}

placed_image pdf_image_chooser::whole_page(const pdf_page& page, std::uint32_t number,
                                           const std::vector<pdf_image>& images) {
  const auto dpi = page_dpi(page.box);
  placed_image out;
  out.offset = page.text.size();
  out.info.mime = "image/x-portable-graymap";
  out.info.width = pixels_of(page.box.width(), dpi);
  out.info.height = pixels_of(page.box.height(), dpi);
  out.info.source = page_source(number);
  const bool is_one_image = images.size() == 1 && page.strokes == 0 &&
                            share_of(images[0].box.area(), page) >= background_share;
  out.info.sha256 =
      is_one_image ? images[0].sha256 : sha256_hex(document_hash() + ":" + std::to_string(number));
  for (const auto& image : images) out.info.size += image.size;
  return out;
}

std::vector<placed_image> pdf_image_chooser::choose(const pdf_page& page, std::uint32_t number) {
  std::vector<pdf_image> images;
  for (std::size_t i = 0; i < page.images.size(); ++i) {
    auto image = page.images[i];
    hash_in_page(image, number, i);
    if (!images.empty() && is_continued_by(images.back(), image))
      join(images.back(), image);
    else
      images.push_back(std::move(image));
  }
  if (page.images.size() >= max_images_a_page) over_limit_ = true;
  std::erase_if(images, [](const auto& image) { return !says_something(image); });

  std::vector<placed_image> out;
  const auto characters = visible_characters(page.text, min_page_characters);
  const bool is_scan =
      (characters < min_page_characters && share_of(page.image_area, page) >= scan_share) ||
      (characters == 0 && (!images.empty() || page.strokes >= min_strokes_of_content));
  if (is_scan) {
    out.push_back(whole_page(page, number, images));
  } else {
    for (const auto& image : images) {
      if (share_of(image.box.area(), page) >= background_share) continue;
      const auto dpi = image_dpi(image);
      out.push_back({place_of(image, page),
                     {image.sha256, "image/x-portable-pixmap", image.width, image.height,
                      image.size, region_source(number, image.box, dpi)}});
    }
  }
  std::erase_if(out, [&](const auto& placed) {
    if (seen_.size() >= max_images_a_pdf) {
      over_limit_ = true;
      return true;
    }
    return !seen_.insert(placed.info.sha256).second;
  });
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.offset < b.offset; });
  return out;
}

}  // namespace millrace::parsers
