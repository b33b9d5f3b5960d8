// Puts the lines of a PDF page together to paragraphs. Pure, any thread; memory is one page's text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/document_builder.hpp"

namespace millrace::parsers {

/// Titles of the document's outline (bookmarks), white space collapsed, with their level 1 to 6.
using outline_titles = std::map<std::string, std::uint8_t, std::less<>>;

/// An image that stands before the line at `offset` of its page's text.
struct placed_image {
  std::size_t offset = 0;
  image_info info;
};

/// `text` is a page in reading order, one line a line, blank lines between blocks. Line-end hyphens
/// are resolved already. A line is a heading where the outline has it, or where it stands alone and
/// starts with a section number. `images` are ordered by their offsets, which are those of blocks
/// or the text's end.
void add_pdf_page(std::string_view text, const std::vector<placed_image>& images,
                  const outline_titles& outline, document_builder& out);

}  // namespace millrace::parsers
