#include "runtime/parsers/raster.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

#include <leptonica/allheaders.h>
#include <libexif/exif-data.h>

#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/quiet_stderr.hpp"

namespace millrace::parsers {

namespace {

constexpr std::uint32_t max_side = 100'000;

const l_uint8* data_of(std::string_view bytes) {
  return reinterpret_cast<const l_uint8*>(bytes.data());
}

[[noreturn]] void refuse_damaged() {
  throw parse_failure{ec::malformed_document,
                      "the image cannot be decoded: it is damaged or was cut off; get a complete "
                      "copy of it"};
}

void check_size(raster_size size) {
  if (size.width > max_side || size.height > max_side ||
      std::uint64_t{size.width} * size.height > max_decoded_pixels)
    throw parse_failure{ec::limit_exceeded, "the image has " + std::to_string(size.width) + " x " +
                                                std::to_string(size.height) +
                                                " pixels, more than " +
                                                std::to_string(max_decoded_pixels / 1'000'000) +
                                                " million; scale it down"};
}

/// Leptonica's messages about damaged images go to nobody.
void silence() {
  static const auto once = setMsgSeverity(L_SEVERITY_NONE);
  static_cast<void>(once);
}

void refuse_unsupported(std::string_view encoded) {
  l_int32 format = IFF_UNKNOWN;
  if (encoded.size() < 12) refuse_damaged();
  findFileFormatBuffer(data_of(encoded), &format);
  switch (format) {
    case IFF_BMP:
    case IFF_JFIF_JPEG:
    case IFF_PNG:
    case IFF_TIFF:
    case IFF_TIFF_PACKBITS:
    case IFF_TIFF_RLE:
    case IFF_TIFF_G3:
    case IFF_TIFF_G4:
    case IFF_TIFF_LZW:
    case IFF_TIFF_ZIP:
    case IFF_TIFF_JPEG:
    case IFF_PNM:
    case IFF_GIF:
    case IFF_WEBP:
      return;
    default: {
      const auto mime = image_mime(encoded);
      throw parse_failure{ec::unsupported_format,
                          "an image of type " +
                              (mime.empty() ? std::string{"unknown"} : std::string{mime}) +
                              " cannot be decoded; save it as PNG, JPEG or TIFF"};
    }
  }
}

/// EXIF's tag 0x0112: 1 upright, 2 to 8 turned or mirrored; 1 where there is none.
int exif_orientation(std::string_view jpeg) {
  // The segment stands at the start; libexif reads no further than it.
  const auto size = static_cast<unsigned>(std::min<std::size_t>(jpeg.size(), 1 << 20));
  const std::unique_ptr<ExifData, void (*)(ExifData*)> exif{
      exif_data_new_from_data(data_of(jpeg), size), exif_data_unref};
  if (!exif) return 1;
  const auto* entry = exif_content_get_entry(exif->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry == nullptr || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  const int value = exif_get_short(entry->data, exif_data_get_byte_order(exif.get()));
  return value >= 1 && value <= 8 ? value : 1;
}

/// Undoes what the camera's position did (EXIF 2.3, 4.6.4.A).
unique_pix turn_upright(unique_pix pix, int orientation) {
  const auto turned = [&](l_int32 quarters) {
    return unique_pix{quarters == 0 ? pixClone(pix.get()) : pixRotateOrth(pix.get(), quarters)};
  };
  constexpr int quarters_of[] = {0, 0, 0, 2, 2, 1, 1, 3, 3};
  if (orientation <= 1) return pix;
  auto out = turned(quarters_of[orientation]);
  const bool mirrored =
      orientation == 2 || orientation == 4 || orientation == 5 || orientation == 7;
  if (out && mirrored) out.reset(pixFlipLR(nullptr, out.get()));
  if (!out) throw std::bad_alloc{};
  return out;
}

decoded_raster decode_jpeg(std::string_view encoded, raster_size size,
                           std::uint64_t wanted_pixels) {
  const auto pixels = std::uint64_t{size.width} * size.height;
  l_int32 reduction = 1;
  while (reduction < 8 && pixels > wanted_pixels * reduction * reduction) reduction *= 2;
  const std::unique_ptr<FILE, int (*)(FILE*)> file{
      fmemopen(const_cast<char*>(encoded.data()), encoded.size(), "rb"), std::fclose};
  if (!file) throw std::bad_alloc{};
  l_int32 warnings = 0;
  decoded_raster out;
  out.pix.reset(
      pixReadStreamJpeg(file.get(), 0, reduction, &warnings, L_JPEG_CONTINUE_WITH_BAD_DATA));
  if (!out.pix) refuse_damaged();
  out.damaged = warnings > 0;
  out.pix = turn_upright(std::move(out.pix), exif_orientation(encoded));
  return out;
}

}  // namespace

void pix_deleter::operator()(Pix* pix) const {
  pixDestroy(&pix);
}

raster_size read_raster_size(std::string_view encoded, std::uint32_t page) {
  silence();
  const quiet_stderr quiet;
  refuse_unsupported(encoded);
  // Leptonica decodes a GIF to tell its size, so its header is looked at first.
  if (const auto head = describe_image(encoded.substr(0, 64)); head.mime == "image/gif")
    check_size({head.width, head.height});
  l_int32 width = 0;
  l_int32 height = 0;
  l_int32 format = IFF_UNKNOWN;
  const bool failed =
      image_mime(encoded) == "image/tiff"
          ? readHeaderMemTiff(data_of(encoded), encoded.size(), static_cast<l_int32>(page), &width,
                              &height, nullptr, nullptr, nullptr, nullptr, &format) != 0
          : page != 0 || pixReadHeaderMem(data_of(encoded), encoded.size(), &format, &width,
                                          &height, nullptr, nullptr, nullptr) != 0;
  if (failed || width <= 0 || height <= 0) refuse_damaged();
  const raster_size size{static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height)};
  check_size(size);
  return size;
}

decoded_raster decode_raster(std::string_view encoded, std::uint64_t wanted_pixels,
                             std::uint32_t page) {
  const auto size = read_raster_size(encoded, page);
  const quiet_stderr quiet;
  const auto mime = image_mime(encoded);
  if (mime == "image/jpeg") return decode_jpeg(encoded, size, wanted_pixels);
  decoded_raster out;
  out.pix.reset(mime == "image/tiff"
                    ? pixReadMemTiff(data_of(encoded), encoded.size(), static_cast<l_int32>(page))
                    : pixReadMem(data_of(encoded), encoded.size()));
  if (!out.pix) refuse_damaged();
  return out;
}

std::uint32_t count_tiff_pages(std::string_view encoded, std::uint32_t limit) {
  silence();
  const quiet_stderr quiet;
  std::uint32_t pages = 0;
  l_int32 width = 0;
  while (pages < limit &&
         readHeaderMemTiff(data_of(encoded), encoded.size(), static_cast<l_int32>(pages), &width,
                           nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) == 0)
    ++pages;
  return pages;
}

std::string encode_pnm(Pix& pix) {
  l_uint8* data = nullptr;
  std::size_t size = 0;
  const bool failed = pixWriteMemPnm(&data, &size, &pix) != 0;
  const std::unique_ptr<l_uint8, void (*)(void*)> owner{data, std::free};
  if (failed || data == nullptr) refuse_damaged();
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace millrace::parsers
