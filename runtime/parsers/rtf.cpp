// Rich Text Format.
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/rtf_walker.hpp"

namespace millrace::parsers {

void parse_rtf(const parse_input& in, document_builder& out) {
  rtf_walker{in, out}.walk();
}

/// Pictures stand as hexadecimal digits between the text, so the text is walked once more.
std::string load_rtf_image(std::string_view bytes, std::string_view source,
                           const parse_limits& limits) {
  auto with_images = limits;
  with_images.images = true;
  document_builder ignored{with_images};
  const progress_callback none;
  const parse_input in{.bytes = bytes, .text = {}, .limits = with_images, .progress = none};
  std::string found;
  rtf_walker walker{in, ignored};
  walker.use_pictures([&](const std::string& picture, const image_info& info) {
    if (info.source == source) found = picture;
  });
  walker.walk();
  if (found.empty())
    throw parse_failure{ec::malformed_document,
                        "the document has no image at " + std::string{source}};
  return found;
}

}  // namespace millrace::parsers
