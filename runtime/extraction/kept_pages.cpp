#include "runtime/extraction/kept_pages.hpp"

#include <iterator>
#include <utility>

#include "runtime/core/utf8.hpp"

namespace millrace::extraction {

namespace {

/// For documents whose extractor did not report a type.
constexpr const char* unknown_mime = "application/octet-stream";

void append(std::vector<element>& to, std::vector<element> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void kept_pages::keep(const identity& who, std::uint32_t pages, std::vector<element> elements) {
  const bool same = who_ && who_->sha256 == who.sha256;
  if (same && pages <= pages_) return;  // a repeat that got no further
  for (auto& e : elements)
    if (!is_clean_utf8(e.text)) e.text = clean_utf8(e.text);
  if (same && who.skipped_pages == pages_) {
    append(elements_, std::move(elements));
    pages_ = pages;
    return;
  }
  const bool begins_in_another = who_ && who.skipped_pages > 0;
  *this = {};
  if (begins_in_another) return;
  who_ = who;
  first_ = who.skipped_pages;
  pages_ = pages;
  elements_ = std::move(elements);
}

bool kept_pages::complete(extracted_document& read) {
  if (!who_ || read.skipped_pages == 0) return true;
  if (read.skipped_pages != pages_ || read.sha256 != who_->sha256) return false;
  append(elements_, std::move(read.elements));
  read.elements = std::move(elements_);
  read.skipped_pages = first_;
  return true;
}

std::optional<extracted_document> kept_pages::as_document(document_warning warning) && {
  if (!who_ || pages_ == 0) return std::nullopt;
  extracted_document out;
  out.mime = who_->mime.empty() ? unknown_mime : std::move(who_->mime);
  out.sha256 = std::move(who_->sha256);
  out.size = who_->size;
  out.pages = who_->pages > 0 ? who_->pages : pages_;
  out.skipped_pages = first_;
  out.title = std::move(who_->title);
  out.warning = std::move(warning);
  out.elements = std::move(elements_);
  return out;
}

}  // namespace millrace::extraction
