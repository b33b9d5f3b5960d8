// How RapidJSON reads a text here: from a view, without a copy, and iteratively, so that nesting
// cannot exhaust the stack. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include <rapidjson/reader.h>

namespace millrace::parsers {

/// Numbers are kept as they are written, whatever their size.
constexpr unsigned json_flags =
    rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;

/// A view as RapidJSON's input stream, ending in the zero that it expects.
class view_stream {
 public:
  using Ch = char;
  explicit view_stream(std::string_view text) : text_{text} {}
  Ch Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  Ch Take() { return at_ < text_.size() ? text_[at_++] : '\0'; }
  std::size_t Tell() const { return at_; }
  // The writing half of the concept, which a reader that keeps its input never calls.
  Ch* PutBegin() { return nullptr; }
  void Put(Ch) {}
  void Flush() {}
  std::size_t PutEnd(Ch*) { return 0; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace millrace::parsers
