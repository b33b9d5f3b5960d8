// Gives bytes to everything that reads the pipe protocol, on either side. What is decoded must come
// back the same when it is encoded again.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/core/utf8.hpp"
#include "runtime/extraction/protocol.hpp"

namespace {

using namespace millrace;
using namespace millrace::extraction;

constexpr std::uint64_t number = 1;
constexpr std::uint64_t max_text = 1 << 20;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz_protocol: %s\n", what);
  std::abort();
}

std::string encode(const extracted_document& document) {
  std::string bytes;
  document_encoder encoder{number, document};
  while (encoder.append_next(bytes)) {
  }
  return bytes;
}

result<extracted_document> decode(std::string_view bytes) {
  document_decoder decoder{number, max_text};
  for (;;) {
    const auto taken = take_frame(bytes);
    if (!taken || !*taken) return fail(ec::internal, "incomplete");
    const auto& frame = **taken;
    if (frame.type == frame_type::result) return decoder.finish(frame.payload);
    if (frame.type != frame_type::elements) return fail(ec::internal, "another frame");
    if (auto added = decoder.add_elements(frame.payload); !added)
      return tl::unexpected{added.error()};
  }
}

void check(const extracted_document& document) {
  std::uint64_t text = 0;
  for (const auto& e : document.elements) {
    require(is_clean_utf8(e.text), "a text is not clean");
    text += e.text.size();
  }
  // Cleaning may make a text longer: three bytes for one that is broken.
  require(text <= 3 * max_text, "more text than allowed");
  const auto bytes = encode(document);
  const auto again = decode(bytes);
  if (again) require(encode(*again) == bytes, "a document changes on its way");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto document = decode(bytes)) check(*document);
  std::string_view rest = bytes;
  for (auto taken = take_frame(rest); taken && *taken; taken = take_frame(rest)) {
    const auto payload = (*taken)->payload;
    (void)decode_hello(payload);
    (void)decode_progress(payload);
    (void)decode_working(payload);
    (void)decode_failure(payload);
    (void)decode_identity(payload);
    (void)decode_redirect(payload);
    (void)decode_image_request(payload);
    if (const auto r = decode_request(payload)) {
      std::string same;
      append_request(same, *r);
      require(decode_request(std::string_view{same}.substr(5)).has_value(), "a request is lost");
    }
  }
  return 0;
}
