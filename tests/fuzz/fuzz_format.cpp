// Gives bytes to the parser of one format, or to detection and whatever it finds.
//
//   fuzz_format [libFuzzer's options] FOLDER... --mime=application/pdf | --mime=any
//
// Found here: crashes, hangs, undefined behaviour, elements that are not clean text. What a parser
// gives up on with an error is no finding.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/core/utf8.hpp"
#include "runtime/parsers/charset.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace {

using namespace millrace;
using namespace millrace::parsers;

constexpr std::string_view option = "--mime=";

std::string mime = "any";
const format* chosen = nullptr;

/// Small, so that a minute is not spent on one bomb.
parse_limits small_limits() {
  parse_limits limits;
  limits.max_text_bytes = 4ULL << 20;
  limits.max_elements = 50'000;
  limits.max_unpacked_bytes = 32ULL << 20;
  return limits;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz_format: %s\n", what);
  std::abort();
}

void check(const extracted_document& document, std::string_view bytes, const parse_limits& limits) {
  int images = 0;
  for (const auto& e : document.elements) {
    require(is_clean_utf8(e.text), "an element is not clean UTF-8");
    require(trim(e.text) == e.text, "an element is not trimmed");
    require(!e.text.empty() || !e.image.sha256.empty(), "an element says nothing");
    if (!e.image.source.empty() && images++ < 3) (void)load_image(bytes, e.image.source, limits);
  }
}

void parse_chosen(std::string_view bytes, const parse_limits& limits) {
  document_builder out{limits};
  const progress_callback progress = [](std::uint32_t) {};
  const auto text = decode_text(bytes);
  try {
    chosen->parse({.bytes = bytes,
                   .text = text ? text->view() : std::string_view{},
                   .limits = limits,
                   .progress = progress},
                  out);
  } catch (const parse_failure&) {
    return;
  } catch (const std::exception&) {
    return;  // parse_document makes an error of it
  }
  check(std::move(out).take(), bytes, limits);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  for (int i = 1; i < *count; ++i)
    if (const std::string_view word{(*arguments)[i]}; word.starts_with(option))
      mime = word.substr(option.size());
  chosen = find_format(mime);
  if (mime != "any" && (chosen == nullptr || chosen->parse == nullptr)) {
    std::fprintf(stderr, "fuzz_format: no parser reads `%s`\n", mime.c_str());
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto limits = small_limits();
  if (chosen != nullptr) {
    if (!bytes.empty()) parse_chosen(bytes, limits);
  } else if (const auto document = parse_document(bytes, limits, {})) {
    check(*document, bytes, limits);
  }
  return 0;
}
