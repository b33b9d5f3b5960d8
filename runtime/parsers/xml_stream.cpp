#include "runtime/parsers/xml_stream.hpp"

#include <exception>
#include <memory>
#include <new>
#include <type_traits>

#include <expat.h>

#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

namespace {

std::string_view without_prefix(std::string_view name) {
  return name.substr(name.find(':') + 1);
}

/// What expat's callbacks stand on. Expat is C: no exception may pass through it.
struct reading {
  XML_Parser parser;
  xml_listener& listener;
  std::uint32_t max_depth;
  std::uint32_t depth = 0;
  std::exception_ptr problem;

  template <class Function>
  void guarded(Function tell) noexcept {
    if (problem) return;
    try {
      tell();
    } catch (...) {
      problem = std::current_exception();
      XML_StopParser(parser, XML_FALSE);
    }
  }
};

void XMLCALL on_start(void* data, const XML_Char* name, const XML_Char** attributes) {
  auto& r = *static_cast<reading*>(data);
  r.guarded([&] {
    if (++r.depth > r.max_depth)
      throw parse_failure{ec::limit_exceeded, "the document nests its contents deeper than " +
                                                  std::to_string(r.max_depth) +
                                                  " levels; save it again with its application"};
    r.listener.start(without_prefix(name), xml_attributes{attributes});
  });
}

void XMLCALL on_end(void* data, const XML_Char* name) {
  auto& r = *static_cast<reading*>(data);
  --r.depth;
  r.guarded([&] { r.listener.end(without_prefix(name)); });
}

void XMLCALL on_text(void* data, const XML_Char* text, int size) {
  auto& r = *static_cast<reading*>(data);
  r.guarded([&] { r.listener.text({text, static_cast<std::size_t>(size)}); });
}

void XMLCALL on_document_type(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  XML_StopParser(static_cast<reading*>(data)->parser, XML_FALSE);
}

}  // namespace

std::string_view xml_attributes::operator[](std::string_view name) const {
  for (auto at = pairs_; *at != nullptr; at += 2)
    if (without_prefix(*at) == name) return at[1];
  return {};
}

stream_end stream_xml(zip_container& zip, const std::string& part, const parse_limits& limits,
                      xml_listener& listener) {
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser{
      XML_ParserCreate(nullptr), &XML_ParserFree};
  if (!parser) throw std::bad_alloc{};
  reading r{parser.get(), listener, limits.max_depth, 0, nullptr};
  XML_SetUserData(parser.get(), &r);
  XML_SetElementHandler(parser.get(), on_start, on_end);
  XML_SetCharacterDataHandler(parser.get(), on_text);
  XML_SetStartDoctypeDeclHandler(parser.get(), on_document_type);
  bool well_formed = true;
  const auto feed = [&](std::string_view piece, bool last) {
    const auto size = static_cast<int>(piece.size());
    well_formed = XML_Parse(parser.get(), piece.data(), size, last ? 1 : 0) == XML_STATUS_OK;
    if (r.problem) std::rethrow_exception(r.problem);
    if (!well_formed && XML_GetErrorCode(parser.get()) == XML_ERROR_NO_MEMORY)
      throw std::bad_alloc{};
    return well_formed;
  };
  try {
    if (!zip.read_pieces(part, [&](std::string_view piece) { return feed(piece, false); }))
      return stream_end::missing;
  } catch (const parse_failure& failure) {
    if (failure.reason().code != ec::malformed_document) throw;
    return stream_end::broken;
  }
  return well_formed && feed({}, true) ? stream_end::complete : stream_end::broken;
}

}  // namespace millrace::parsers
