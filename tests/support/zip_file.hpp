// Makes ZIP containers for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace millrace {

/// Names and contents.
using zip_parts = std::vector<std::pair<std::string, std::string>>;
std::string make_zip(const zip_parts& parts);

/// A minimal Word document with this body; `more` are further parts.
std::string make_docx(const std::string& body, const zip_parts& more = {});

struct docx_picture {
  std::string description;  ///< Its alternative text.
  std::string png;
};
/// A Word document of one picture after the other, word/media/0.png and so on.
std::string make_picture_docx(const std::vector<docx_picture>& pictures);

}  // namespace millrace
