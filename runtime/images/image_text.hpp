// Puts what was read from images where they stand in their document. Pure; any thread.
#pragma once

#include <vector>

#include "runtime/commit/document_result.hpp"
#include "runtime/core/document.hpp"

namespace millrace {

/// True for an element that stands for a whole page, rendered: a scan, a page without text.
bool is_page_image(const image_info& image);

/// What is known of an image as one text: what its author says of it, then what is read in it.
std::string join_image_text(std::string_view alternative, std::string_view read);

/// Each image element gets the text of its record; one that stands for a page becomes paragraphs.
/// Images without a record stay as they are.
void insert_image_texts(std::vector<element>& elements, const std::vector<image_record>& images);

}  // namespace millrace
