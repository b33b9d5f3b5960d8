#include "tests/integration/pdf_file.hpp"

#include <iomanip>
#include <sstream>

namespace millrace {

namespace {

std::string page_content(const std::string& text) {
  std::string content = "BT /F1 11 Tf 72 760 Td 14 TL\n";
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) content += "(" + line + ") Tj T*\n";
  return content + "ET\n";
}

}  // namespace

std::string make_pdf(const std::vector<std::string>& pages) {
  std::vector<std::string> objects{"<</Type /Catalog /Pages 2 0 R>>", "",
                                   "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>"};
  std::string kids;
  for (const auto& text : pages) {
    const auto content = page_content(text);
    const auto number = objects.size() + 1;
    objects.push_back("<</Length " + std::to_string(content.size()) + ">>\nstream\n" + content +
                      "endstream");
    objects.push_back("<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents " +
                      std::to_string(number) + " 0 R /Resources <</Font <</F1 3 0 R>>>>>>");
    kids += std::to_string(number + 1) + " 0 R ";
  }
  objects[1] = "<</Type /Pages /Count " + std::to_string(pages.size()) + " /Kids [" + kids + "]>>";
  std::ostringstream out;
  out << "%PDF-1.4\n";
  std::vector<std::streamoff> places;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    places.push_back(out.tellp());
    out << i + 1 << " 0 obj\n" << objects[i] << "\nendobj\n";
  }
  const auto table = out.tellp();
  out << "xref\n0 " << objects.size() + 1 << "\n0000000000 65535 f \n";
  for (const auto place : places)
    out << std::setw(10) << std::setfill('0') << place << " 00000 n \n";
  out << "trailer\n<</Size " << objects.size() + 1 << " /Root 1 0 R>>\nstartxref\n"
      << table << "\n%%EOF\n";
  return out.str();
}

}  // namespace millrace
