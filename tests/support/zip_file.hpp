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

}  // namespace millrace
