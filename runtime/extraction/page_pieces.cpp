#include "runtime/extraction/page_pieces.hpp"

#include <algorithm>

#include "runtime/core/utf8.hpp"

namespace millrace::extraction {

void page_pieces::begin(clock::time_point now) {
  identity_.reset();
  handed_pages_ = pages_ = 0;
  handed_elements_ = elements_ = text_bytes_ = 0;
  last_piece_ = now;
}

void page_pieces::identify(identity i) {
  handed_pages_ = pages_ = i.skipped_pages;
  identity_ = std::move(i);
}

std::optional<finished_pages> page_pieces::add(std::uint32_t pages,
                                               const std::vector<element>& elements,
                                               clock::time_point now) {
  for (auto i = elements_; i < elements.size(); ++i) text_bytes_ += elements[i].text.size();
  pages_ = pages;
  elements_ = elements.size();
  const bool worth = now - last_piece_ >= piece_time || pages_ - handed_pages_ >= piece_pages ||
                     text_bytes_ >= piece_bytes;
  return worth ? cut(elements, now) : std::nullopt;
}

std::optional<finished_pages> page_pieces::rest(const std::vector<element>& elements) {
  return cut(elements, last_piece_);
}

std::optional<finished_pages> page_pieces::cut(const std::vector<element>& elements,
                                               clock::time_point now) {
  if (!identity_ || pages_ <= handed_pages_) return std::nullopt;
  finished_pages piece{identity_->sha256, identity_->size, handed_pages_, pages_, {}};
  const auto begin = elements.begin();
  piece.elements.assign(begin + static_cast<std::ptrdiff_t>(handed_elements_),
                        begin + static_cast<std::ptrdiff_t>(elements_));
  for (auto& e : piece.elements)
    if (!is_clean_utf8(e.text)) e.text = clean_utf8(e.text);
  handed_pages_ = pages_;
  handed_elements_ = elements_;
  text_bytes_ = 0;
  last_piece_ = now;
  return piece;
}

}  // namespace millrace::extraction
