#include "runtime/parsers/pdf_render.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include <PDFDoc.h>
#include <SplashOutputDev.h>
#include <splash/SplashBitmap.h>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/pdf_file.hpp"
#include "runtime/parsers/pdf_images.hpp"

namespace millrace::parsers {

namespace {

constexpr std::uint32_t scan_dpi = 300;
constexpr std::uint32_t min_dpi = 10;
constexpr std::uint32_t min_image_dpi = 72;
constexpr std::uint32_t max_image_dpi = 400;
constexpr std::string_view page_prefix = "page:";
constexpr std::string_view region_prefix = "region:";
constexpr std::string_view attachment_prefix = "attachment:";

[[noreturn]] void refuse(std::string_view source) {
  throw parse_failure{ec::malformed_document,
                      "the document has no image at " + std::string{source}};
}

std::uint32_t dpi_within_pixels(const page_box& box, std::uint32_t dpi) {
  const auto per_dpi = box.area() / (points_per_inch * points_per_inch);
  const auto most = std::sqrt(max_rendered_pixels / std::max(per_dpi, 1e-6));
  return std::max(min_dpi, std::min(dpi, static_cast<std::uint32_t>(std::min(most, 1e6))));
}

/// Up to six whole numbers between colons; nothing where they are something else.
std::optional<std::array<int, 6>> read_numbers(std::string_view text, std::size_t count) {
  std::array<int, 6> out{};
  const auto* at = text.data();
  const auto* end = at + text.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && (at == end || *at++ != ':')) return std::nullopt;
    const auto [next, code] = std::from_chars(at, end, out[i]);
    if (code != std::errc{} || out[i] < 0) return std::nullopt;
    at = next;
  }
  return at == end ? std::optional{out} : std::nullopt;
}

struct region {
  std::uint32_t page = 0;
  std::uint32_t dpi = 0;
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

std::string to_pnm(SplashBitmap& bitmap, bool grey) {
  const auto width = static_cast<std::size_t>(bitmap.getWidth());
  const auto height = static_cast<std::size_t>(bitmap.getHeight());
  const auto row_bytes = width * (grey ? 1 : 3);
  std::string out =
      (grey ? "P5\n" : "P6\n") + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
  out.reserve(out.size() + row_bytes * height);
  const auto* row = bitmap.getDataPtr();
  for (std::size_t y = 0; y < height; ++y, row += bitmap.getRowSize())
    out.append(reinterpret_cast<const char*>(row), row_bytes);
  return out;
}

std::string render(PDFDoc& document, const region& where, bool grey) {
  std::array<unsigned char, 4> paper{255, 255, 255, 255};
  SplashOutputDev splash{grey ? splashModeMono8 : splashModeRGB8, 4, false, paper.data()};
  splash.setFontAntialias(true);
  splash.setVectorAntialias(true);
  splash.startDoc(&document);
  document.displayPageSlice(&splash, static_cast<int>(where.page), where.dpi, where.dpi, 0, false,
                            true, false, where.x, where.y, where.width, where.height);
  auto* bitmap = splash.getBitmap();
  if (bitmap == nullptr || bitmap->getDataPtr() == nullptr)
    throw parse_failure{ec::malformed_document,
                        "page " + std::to_string(where.page) + " of the PDF cannot be rendered"};
  return to_pnm(*bitmap, grey);
}

/// Width and height as shown, in points.
page_box page_size(PDFDoc& document, std::uint32_t number, std::string_view source) {
  auto* page = document.getPage(static_cast<int>(number));
  if (page == nullptr) refuse(source);
  const bool turned = page->getRotate() == 90 || page->getRotate() == 270;
  const auto width = page->getCropWidth();
  const auto height = page->getCropHeight();
  return {0, 0, turned ? height : width, turned ? width : height};
}

std::string load_page(pdf_file& file, std::string_view source) {
  const auto numbers = read_numbers(source.substr(page_prefix.size()), 1);
  if (!numbers) refuse(source);
  const auto page = static_cast<std::uint32_t>((*numbers)[0]);
  const auto size = page_size(file.document(), page, source);
  const auto dpi = page_dpi(size);
  if (size.area() * dpi * dpi / (points_per_inch * points_per_inch) > max_rendered_pixels * 1.01)
    throw parse_failure{ec::limit_exceeded,
                        "page " + std::to_string(page) + " of the PDF is too large to be rendered"};
  return render(file.document(),
                {page, dpi, 0, 0, static_cast<int>(pixels_of(size.width(), dpi)),
                 static_cast<int>(pixels_of(size.height(), dpi))},
                true);
}

std::string load_region(pdf_file& file, std::string_view source) {
  const auto numbers = read_numbers(source.substr(region_prefix.size()), 6);
  if (!numbers) refuse(source);
  const auto [page, x0, y0, x1, y1, dpi] = *numbers;
  const auto size = page_size(file.document(), static_cast<std::uint32_t>(page), source);
  const page_box box{static_cast<double>(x0), static_cast<double>(y0),
                     std::min<double>(x1, std::ceil(size.width())),
                     std::min<double>(y1, std::ceil(size.height()))};
  const auto allowed = static_cast<std::uint32_t>(dpi);
  if (!(box.area() > 0) || allowed == 0 || allowed > max_image_dpi ||
      allowed != dpi_within_pixels(box, allowed))
    refuse(source);
  return render(
      file.document(),
      {static_cast<std::uint32_t>(page), allowed, static_cast<int>(pixels_of(box.x0, allowed)),
       static_cast<int>(pixels_of(box.y0, allowed)),
       static_cast<int>(pixels_of(box.width(), allowed)),
       static_cast<int>(pixels_of(box.height(), allowed))},
      false);
}

std::string load_from_attachment(pdf_file& file, std::string_view source,
                                 const parse_limits& limits) {
  const auto slash = source.find('/');
  if (slash == std::string_view::npos) refuse(source);
  const auto numbers =
      read_numbers(source.substr(attachment_prefix.size(), slash - attachment_prefix.size()), 1);
  const auto attachments = file.read_attachments(limits.max_unpacked_bytes);
  if (!numbers || static_cast<std::size_t>((*numbers)[0]) >= attachments.size()) refuse(source);
  return load_inner_image(attachments[static_cast<std::size_t>((*numbers)[0])].bytes,
                          source.substr(slash + 1), limits);
}

}  // namespace

std::uint32_t page_dpi(const page_box& page) {
  return dpi_within_pixels(page, scan_dpi);
}

std::uint32_t image_dpi(const pdf_image& image) {
  const auto pixels = static_cast<double>(image.width) * image.height;
  const auto own = std::sqrt(pixels / std::max(image.box.area(), 1e-6)) * points_per_inch;
  const auto whole = static_cast<std::uint32_t>(std::min(std::ceil(own), 1e6));
  return dpi_within_pixels(image.box, std::clamp(whole, min_image_dpi, max_image_dpi));
}

std::uint32_t pixels_of(double points, std::uint32_t dpi) {
  return static_cast<std::uint32_t>(
      std::clamp(std::round(points * dpi / points_per_inch), 1.0, 1e5));
}

std::string page_source(std::uint32_t page) {
  return std::string{page_prefix} + std::to_string(page);
}

std::string region_source(std::uint32_t page, const page_box& box, std::uint32_t dpi) {
  const page_box whole{std::floor(box.x0), std::floor(box.y0), std::ceil(box.x1),
                       std::ceil(box.y1)};
  std::string out = std::string{region_prefix} + std::to_string(page);
  for (const double edge : {whole.x0, whole.y0, whole.x1, whole.y1})
    out += ":" + std::to_string(static_cast<std::int64_t>(edge));
  return out + ":" + std::to_string(dpi_within_pixels(whole, dpi));
}

std::string load_pdf_image(std::string_view bytes, std::string_view source,
                           const parse_limits& limits) {
  pdf_file file{bytes};
  if (source.starts_with(attachment_prefix)) return load_from_attachment(file, source, limits);
  if (source.starts_with(page_prefix)) return load_page(file, source);
  if (source.starts_with(region_prefix)) return load_region(file, source);
  refuse(source);
}

}  // namespace millrace::parsers
