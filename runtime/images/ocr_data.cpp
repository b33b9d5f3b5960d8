#include "runtime/images/ocr_data.hpp"

#include <filesystem>
#include <sstream>

#include <spdlog/spdlog.h>

namespace millrace {

std::optional<std::string> missing_ocr_data(const std::string& languages,
                                            const std::string& folder) {
  std::istringstream list{languages};
  for (std::string language; std::getline(list, language, '+');) {
    std::error_code problem;
    if (std::filesystem::exists(folder + "/" + language + ".traineddata", problem)) continue;
    return "text in images is not read: there are no data for the language `" + language +
           "` of images.languages in " + folder + "; install the package tesseract-ocr-" + language;
  }
  return std::nullopt;
}

bool reads_images(const images_settings& s) {
  if (!s.enabled || s.ocr == "off") return false;
  const auto missing = missing_ocr_data(s.languages);
  if (missing) spdlog::warn("{}", *missing);
  return !missing;
}

}  // namespace millrace
