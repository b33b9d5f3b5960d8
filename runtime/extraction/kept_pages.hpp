// The finished pages of a document that lost its extractor process. The next try continues after
// them; if there is no next try, they become the document's result.
//
// A plain value, one per document. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/core/document.hpp"
#include "runtime/extraction/protocol.hpp"

namespace millrace::extraction {

class kept_pages {
 public:
  /// Pages that the next try can skip. `asked`: what the request said may be skipped.
  std::uint32_t known(std::uint32_t asked) const { return who_ ? pages_ : asked; }

  /// Records what a lost try had finished: pages 1 to `pages`, of which it skipped
  /// who.skipped_pages, and the elements of the rest. Texts need not be clean UTF-8 yet.
  void keep(const identity& who, std::uint32_t pages, std::vector<element> elements);
  /// Prepends the kept pages to what a later try read, as if one try had read both. False if the
  /// file's content changed in between.
  bool complete(extracted_document& read);
  /// A document of the kept pages only, with `warning`; none if no page was finished.
  std::optional<extracted_document> as_document(document_warning warning) &&;

  std::uint32_t pages() const { return pages_; }  ///< Finished, skipped ones included.
  /// Pages of the whole document; 0 if unknown.
  std::uint32_t pages_in_all() const { return who_ ? who_->pages : 0; }

 private:
  std::optional<identity> who_;
  std::uint32_t first_ = 0;  ///< Pages before the first kept one.
  std::uint32_t pages_ = 0;
  std::vector<element> elements_;
};

}  // namespace millrace::extraction
