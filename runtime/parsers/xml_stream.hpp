// Reads a large XML part as a stream of tags and text (expat), without a tree. Of Debian's
// streaming readers expat is the smallest that fits: bytes are pushed into it as they are unpacked,
// it opens nothing by itself, and no dependency comes with it. One call, one thread. Memory is one
// piece of the part and the names of open elements; nesting is bounded by parse_limits::max_depth.
#pragma once

#include <string>
#include <string_view>

#include "runtime/parsers/parse.hpp"
#include "runtime/parsers/zip_container.hpp"

namespace millrace::parsers {

/// An element's attributes while its start is handled.
class xml_attributes {
 public:
  explicit xml_attributes(const char* const* pairs) : pairs_{pairs} {}
  /// By local name; empty where there is none.
  std::string_view operator[](std::string_view name) const;

 private:
  const char* const* pairs_;  ///< Name and value in turn, then null.
};

/// What is told of the part; names are local names. May throw.
class xml_listener {
 public:
  virtual ~xml_listener() = default;
  virtual void start(std::string_view name, const xml_attributes& attributes) = 0;
  virtual void end(std::string_view name) = 0;
  /// Part of an element's text: one text may come in several calls.
  virtual void text(std::string_view piece) = 0;
};

enum class stream_end {
  complete,
  missing,  ///< There is no such part.
  broken,   ///< Damaged or no XML: the listener was told what stands before that.
};

/// A document type ends the stream as broken: Office Open XML forbids it, and entities are all that
/// it is good for. Over a limit parse_failure is thrown.
stream_end stream_xml(zip_container& zip, const std::string& part, const parse_limits& limits,
                      xml_listener& listener);

}  // namespace millrace::parsers
