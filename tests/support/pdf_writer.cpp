#include "tests/support/pdf_writer.hpp"

#include <iomanip>
#include <ostream>
#include <sstream>

#include "tests/support/png_file.hpp"

namespace millrace {

namespace {

// Objects with a fixed number; the page tree is written last.
constexpr std::size_t catalog = 1;
constexpr std::size_t page_tree = 2;
constexpr std::size_t font = 3;

constexpr double points_a_pixel = 72.0 / 300;

std::string stream(const std::string& entries, const std::string& content) {
  return "<<" + entries + "/Length " + std::to_string(content.size()) + ">>\nstream\n" + content +
         "\nendstream";
}

}  // namespace

pdf_writer::pdf_writer(std::ostream& out) : out_{out}, places_(font) {
  const std::string header = "%PDF-1.4\n";
  out_ << header;
  written_ = header.size();
  write(catalog, "<</Type /Catalog /Pages " + reference(page_tree) + ">>");
  write(font, "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>");
}

void pdf_writer::write(std::size_t number, const std::string& object) {
  const auto text = std::to_string(number) + " 0 obj\n" + object + "\nendobj\n";
  places_[number - 1] = written_;
  out_ << text;
  written_ += text.size();
}

std::size_t pdf_writer::add(const std::string& object) {
  places_.push_back(0);
  write(places_.size(), object);
  return places_.size();
}

std::string pdf_writer::reference(std::size_t number) {
  return std::to_string(number) + " 0 R";
}

std::string pdf_writer::font_resource() {
  return "/Font <</F1 " + reference(font) + ">>";
}

std::size_t pdf_writer::add_stream(const std::string& entries, const std::string& content) {
  return add(stream(entries, content));
}

void pdf_writer::add_page(const std::string& content, const std::string& resources,
                          const std::string& size) {
  add_page_of(add_stream("", content), resources, size);
}

void pdf_writer::add_page_of(std::size_t drawn, const std::string& resources,
                             const std::string& size) {
  pages_.push_back(add("<</Type /Page /Parent " + reference(page_tree) + " /MediaBox [0 0 " + size +
                       "] /Contents " + reference(drawn) + " /Resources <<" + resources + ">>>>"));
}

void pdf_writer::add_text_page(const std::string& text) {
  std::string content = "BT /F1 11 Tf 72 760 Td 14 TL\n";
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) content += "(" + line + ") Tj T*\n";
  add_page(content + "ET", font_resource(), "612 792");
}

pdf_writer::image pdf_writer::add_image(std::string_view gray_png) {
  const auto png = read_gray_png(gray_png);
  const auto width = std::to_string(png.width);
  const auto object = add(stream(
      "/Type /XObject /Subtype /Image /Width " + width + " /Height " + std::to_string(png.height) +
          " /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode "
          "/DecodeParms <</Predictor 15 /Colors 1 /BitsPerComponent 8 /Columns " +
          width + ">> ",
      png.compressed));
  return {object, png.width * points_a_pixel, png.height * points_a_pixel};
}

void pdf_writer::add_scanned_page(const image& shown) {
  constexpr double strip = 6;  // below the image, points
  const auto width = std::to_string(shown.width);
  const auto rule = std::to_string(shown.width / static_cast<double>(pages_.size() + 1));
  add_page("q " + width + " 0 0 " + std::to_string(shown.height) + " 0 " + std::to_string(strip) +
               " cm /Im Do Q\n0 " + std::to_string(strip / 2) + " m " + rule + " " +
               std::to_string(strip / 2) + " l S",
           "/XObject <</Im " + reference(shown.object) + ">>",
           width + " " + std::to_string(shown.height + strip));
}

void pdf_writer::finish() {
  std::string kids;
  for (const auto page : pages_) kids += reference(page) + " ";
  write(page_tree,
        "<</Type /Pages /Count " + std::to_string(pages_.size()) + " /Kids [" + kids + "]>>");
  const auto objects = std::to_string(places_.size() + 1);
  out_ << "xref\n0 " << objects << "\n0000000000 65535 f \n" << std::setfill('0');
  for (const auto place : places_) out_ << std::setw(10) << place << " 00000 n \n";
  out_ << "trailer\n<</Size " << objects << " /Root " << reference(catalog) << ">>\nstartxref\n"
       << written_ << "\n%%EOF\n";
}

std::string make_pdf(const std::vector<std::string>& pages) {
  std::ostringstream out;
  pdf_writer pdf{out};
  for (const auto& text : pages) pdf.add_text_page(text);
  pdf.finish();
  return std::move(out).str();
}

}  // namespace millrace
