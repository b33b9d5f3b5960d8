// E-mail messages (EML).
#include "runtime/parsers/charset.hpp"
#include "runtime/parsers/eml_walker.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

using namespace std::string_view_literals;

/// A message as gmime wants it: its own bytes, because each part has a charset of its own; but a
/// message that somebody saved in UTF-16 as UTF-8. Without what stands before the first header.
std::string_view message_bytes(std::string_view bytes, std::string_view text) {
  const bool is_wide = bytes.starts_with("\xFF\xFE"sv) || bytes.starts_with("\xFE\xFF"sv) ||
                       bytes.substr(0, 64).find('\0') != std::string_view::npos;
  auto message = is_wide ? text : bytes;
  if (message.starts_with("\xEF\xBB\xBF"sv)) message.remove_prefix(3);
  while (!message.empty() && is_space(message[0])) message.remove_prefix(1);
  if (message.starts_with("From ")) take_line(message);
  return message;
}

parse_failure no_image(std::string_view source) {
  return {ec::malformed_document, "the message has no image at " + std::string{source}};
}

std::string image_in(GMimeMessage* message, std::string_view source, const parse_limits& limits) {
  const auto slash = source.find('/');
  auto* part = part_at(message, source.substr(0, slash));
  if (part == nullptr) throw no_image(source);
  const auto rest = slash == std::string_view::npos ? std::string_view{} : source.substr(slash + 1);
  if (GMIME_IS_MESSAGE_PART(part)) {
    auto* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part));
    if (inner == nullptr || rest.empty()) throw no_image(source);
    return image_in(inner, rest, limits);
  }
  if (!GMIME_IS_PART(part)) throw no_image(source);
  const part_content content{GMIME_PART(part)};
  return rest.empty() ? std::string{content.view()}
                      : load_inner_image(content.view(), rest, limits);
}

}  // namespace

void parse_eml(const parse_input& in, document_builder& out) {
  const mime_message message{message_bytes(in.bytes, in.text)};
  eml_walker{in, out}.walk(message.get());
}

std::string load_eml_image(std::string_view bytes, std::string_view source,
                           const parse_limits& limits) {
  const auto text = decode_text(bytes);
  const mime_message message{message_bytes(bytes, text ? text->view() : std::string_view{})};
  return image_in(message.get(), source, limits);
}

}  // namespace millrace::parsers
