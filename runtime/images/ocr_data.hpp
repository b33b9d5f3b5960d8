// Whether the data are installed that reading text in images needs.
#pragma once

#include <optional>
#include <string>

#include "config/settings.hpp"

namespace millrace {

/// Where Debian's packages tesseract-ocr-LANGUAGE put their data.
inline constexpr auto ocr_data_folder = "/usr/share/tesseract-ocr/5/tessdata";

/// The sentence that says which language of `languages` ("eng+deu") has no data, and what to
/// install; nothing where all have.
std::optional<std::string> missing_ocr_data(const std::string& languages,
                                            const std::string& folder = ocr_data_folder);

/// Text in images is wanted and can be read; why it cannot is logged.
bool reads_images(const images_settings& s);

}  // namespace millrace
