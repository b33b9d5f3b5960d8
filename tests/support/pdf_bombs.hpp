// Small PDF documents of which one page costs whoever reads it without end. Made of
// tests/support/pdf_writer; the same calls make the same bytes.
#pragma once

#include <string>

namespace millrace {

/// Text pages "page 1", "page 2", ... around the bomb, which is page `before` + 1.
struct bomb_place {
  int before = 2;
  int after = 2;
};

/// Form XObjects that draw each other, ten times each: 10^12 lines of text.
std::string make_form_bomb(const bomb_place& at);
/// A content stream of 4 GiB of operators in a few KiB (Flate in Flate).
std::string make_flate_bomb(const bomb_place& at);
/// A font with a map to Unicode that unpacks to 4 GiB.
std::string make_font_bomb(const bomb_place& at);
/// An image of 65,535 x 65,535 pixels, coded by JBIG2 in less than a hundred bytes.
std::string make_jbig2_bomb(const bomb_place& at);

}  // namespace millrace
