// The finished pages of a document whose process was lost: the next try begins behind them, and if
// there is none, they are what the document ends with.
//
// A value, of one document; elements are held once.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/core/document.hpp"
#include "runtime/extraction/protocol.hpp"

namespace millrace::extraction {

class kept_pages {
 public:
  /// Pages that the next try need not read; `asked`: those that whoever asked has already.
  std::uint32_t known(std::uint32_t asked) const { return who_ ? pages_ : asked; }

  /// What a lost try had finished: pages 1 to `pages`, of which it skipped who.skipped_pages, and
  /// the elements of the others. Texts may be as they were sent.
  void keep(const identity& who, std::uint32_t pages, std::vector<element> elements);
  /// Puts them before what a later try read, as if one try had read both. False if that try read
  /// another content of the file.
  bool complete(extracted_document& read);
  /// A document of these pages alone, with `warning`; nothing if no page was finished.
  std::optional<extracted_document> as_document(document_warning warning) &&;

  std::uint32_t pages() const { return pages_; }  ///< Finished, skipped ones included.
  /// Of the whole document; 0 if it is not known.
  std::uint32_t pages_in_all() const { return who_ ? who_->pages : 0; }

 private:
  std::optional<identity> who_;
  std::uint32_t first_ = 0;  ///< Pages before the first element's.
  std::uint32_t pages_ = 0;
  std::vector<element> elements_;
};

}  // namespace millrace::extraction
