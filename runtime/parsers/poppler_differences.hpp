// What poppler's private classes, which promise nothing, name differently between 22.12 (Debian 12)
// and 25.03 (Debian 13), found by what compiles rather than by a version.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <Outline.h>
#include <PDFDoc.h>
#include <Stream.h>
#include <UTF.h>

namespace millrace::parsers::poppler {

/// Takes the stream over; `rebuilt` is called if the table of objects had to be made anew.
template <class Document = PDFDoc>
std::unique_ptr<Document> open(BaseStream* stream, const std::function<void()>& rebuilt) {
  using password = std::optional<GooString>;
  if constexpr (std::is_constructible_v<Document, BaseStream*, password, password, void*,
                                        std::function<void()>>)
    return std::make_unique<Document>(stream, password{}, password{}, nullptr, rebuilt);
  else if constexpr (std::is_constructible_v<Document, BaseStream*, password, password,
                                             std::function<void()>>)
    return std::make_unique<Document>(stream, password{}, password{}, rebuilt);
  else
    return std::make_unique<Document>(std::unique_ptr<BaseStream>{stream}, password{}, password{},
                                      rebuilt);
}

/// Of a PDF's text string.
template <class Text>
std::vector<Unicode> code_points(const Text& text_string) {
  if constexpr (requires(Unicode * out) { TextStringToUCS4(text_string, &out); }) {
    Unicode* text = nullptr;
    const int length = TextStringToUCS4(text_string, &text);
    std::vector<Unicode> out(text, text + length);
    gfree(text);
    return out;
  } else {
    return TextStringToUCS4(text_string);
  }
}

template <class Item>
std::vector<Unicode> title_of(const Item& item) {
  if constexpr (requires { item.getTitleLength(); })
    return {item.getTitle(), item.getTitle() + item.getTitleLength()};
  else
    return item.getTitle();
}

/// To its beginning; false if it cannot be read.
template <class AnyStream>
bool rewind(AnyStream& stream) {
  if constexpr (requires { stream.rewind(); }) {
    return stream.rewind();
  } else if constexpr (std::is_void_v<decltype(stream.reset())>) {
    stream.reset();
    return true;
  } else {
    return stream.reset();
  }
}

}  // namespace millrace::parsers::poppler
