#include "tests/support/pdf_bombs.hpp"

#include <cstdint>
#include <functional>
#include <sstream>
#include <stdexcept>

#include <zlib.h>

#include "tests/support/pdf_writer.hpp"

namespace millrace {

namespace {

constexpr std::uint64_t unpacked_bytes = 4ULL << 30;
constexpr auto a4 = "612 792";

/// `content` as a zlib stream, or a part of one that may be repeated.
std::string deflated(const std::string& content, int flush) {
  z_stream z{};
  if (deflateInit(&z, Z_BEST_COMPRESSION) != Z_OK) throw std::runtime_error{"deflateInit failed"};
  std::string out(deflateBound(&z, content.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, flush);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// Unpacks to `line` over and over. A block of a MiB stands for itself, so that all are the same
/// and can be compressed once more.
std::string flate_in_flate(const std::string& line) {
  constexpr std::size_t header_bytes = 2;  // RFC 1950
  std::string piece;
  while (piece.size() < 1U << 20) piece += line;
  const auto block = deflated(piece, Z_FULL_FLUSH);
  auto all = block.substr(0, header_bytes);
  for (std::uint64_t done = 0; done < unpacked_bytes; done += piece.size())
    all.append(block, header_bytes);
  all += std::string{"\x01\0\0\xFF\xFF\0\0\0\0", 9};  // the last block, and no checksum
  return deflated(all, Z_FINISH);
}
constexpr auto two_filters = "/Filter [/FlateDecode /FlateDecode] ";

std::string around(const bomb_place& at, const std::function<void(pdf_writer&)>& bomb) {
  std::ostringstream out;
  pdf_writer pdf{out};
  int number = 0;
  for (int i = 0; i < at.before; ++i)
    pdf.add_text_page("page " + std::to_string(++number) + " of a sound document\n");
  bomb(pdf);
  ++number;
  for (int i = 0; i < at.after; ++i)
    pdf.add_text_page("page " + std::to_string(++number) + " of a sound document\n");
  pdf.finish();
  return std::move(out).str();
}

std::string big_endian(std::uint32_t number) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<unsigned char>(number >> shift));
  return out;
}

/// A segment of ISO/IEC 14492, 7.2, of page 1.
std::string segment(std::uint32_t number, char type, const std::string& data) {
  return big_endian(number) + type + std::string{"\0\x01", 2} +
         big_endian(static_cast<std::uint32_t>(data.size())) + data;
}

}  // namespace

std::string make_form_bomb(const bomb_place& at) {
  constexpr int levels = 12;
  return around(at, [](pdf_writer& pdf) {
    const std::string kind = "/Type /XObject /Subtype /Form /BBox [0 0 612 792] ";
    auto form = pdf.add_stream(kind + "/Resources <<" + pdf.font_resource() + ">> ",
                               "BT /F1 11 Tf 72 760 Td (x) Tj ET");
    for (int level = 1; level < levels; ++level) {
      std::string content;
      for (int i = 0; i < 10; ++i) content += "/X Do ";
      form = pdf.add_stream(
          kind + "/Resources <</XObject <</X " + pdf_writer::reference(form) + ">>>> ", content);
    }
    pdf.add_page("/X Do", "/XObject <</X " + pdf_writer::reference(form) + ">>", a4);
  });
}

std::string make_flate_bomb(const bomb_place& at) {
  return around(at, [](pdf_writer& pdf) {
    pdf.add_page_of(pdf.add_stream(two_filters, flate_in_flate("q 1 0 0 1 0 0 cm Q\n")), "", a4);
  });
}

std::string make_font_bomb(const bomb_place& at) {
  return around(at, [](pdf_writer& pdf) {
    const auto map = pdf.add_stream(
        two_filters, flate_in_flate("1 beginbfrange <0000> <ffff> <0041> endbfrange\n"));
    const auto font =
        pdf.add_object("<</Type /Font /Subtype /Type1 /BaseFont /Times-Roman /ToUnicode " +
                       pdf_writer::reference(map) + ">>");
    pdf.add_page("BT /F2 11 Tf 72 760 Td (words) Tj ET",
                 "/Font <</F2 " + pdf_writer::reference(font) + ">>", a4);
  });
}

std::string make_jbig2_bomb(const bomb_place& at) {
  constexpr std::uint32_t side = 46'000;  // poppler 25 draws no image of more than 2^31 pixels
  const auto size = big_endian(side) + big_endian(side);
  // Page information: no resolution, no flags, no stripes. Then a generic region of that size by
  // the arithmetic coder, template 0 with its usual pixels, and bytes for it.
  const auto coded = segment(0, 48, size + std::string(8, '\0') + std::string(3, '\0')) +
                     segment(1, 38,
                             size + std::string(8, '\0') + '\0' + '\0' +
                                 std::string{"\x03\xFF\xFD\xFF\x02\xFE\xFE\xFE", 8} +
                                 std::string{"\x00\xFF\xAC", 3});
  return around(at, [&](pdf_writer& pdf) {
    const auto image = pdf.add_stream(
        "/Type /XObject /Subtype /Image /Width 46000 /Height 46000 /ColorSpace "
        "/DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode ",
        coded);
    pdf.add_page("q 612 0 0 792 0 0 cm /Im Do Q",
                 "/XObject <</Im " + pdf_writer::reference(image) + ">>", a4);
  });
}

}  // namespace millrace
