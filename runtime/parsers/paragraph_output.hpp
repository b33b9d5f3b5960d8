// Where the paragraphs of a word processor's document go: to the document's elements, neighbouring
// paragraphs of code as one block; or, while a table cell is read, into the cell's text, which is a
// single line. One document, one thread; bounds are those of document_builder.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "runtime/core/document.hpp"
#include "runtime/parsers/document_builder.hpp"

namespace millrace::parsers {

/// What a paragraph is, by its own properties and its style.
struct paragraph_role {
  element_kind kind = element_kind::paragraph;
  std::uint8_t level = 0;
};

class paragraph_output {
 public:
  /// `out` must outlive it.
  explicit paragraph_output(document_builder& out) : out_{out} {}

  void add(paragraph_role role, std::string_view text);
  /// Ends a block of code; before whatever is added past this object.
  void flush_code();
  /// While a cell is read: images and the like of it must wait.
  bool captures() const { return capture_ != nullptr; }
  /// The text of what `walk` adds.
  template <class Walk>
  std::string captured(Walk walk) {
    std::string text;
    auto* const outer = std::exchange(capture_, &text);
    walk();
    capture_ = outer;
    return text;
  }

 private:
  document_builder& out_;
  std::string* capture_ = nullptr;
  std::string code_;  ///< Paragraphs of code since the last other one, a line each.
};

}  // namespace millrace::parsers
