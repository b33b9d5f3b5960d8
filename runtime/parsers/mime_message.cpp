#include "runtime/parsers/mime_message.hpp"

#include <algorithm>

#include "runtime/core/utf8.hpp"
#include "runtime/parsers/charset.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

using namespace std::string_view_literals;

/// A message to ten thousand people is not about them.
constexpr std::size_t max_header_bytes = 8000;
constexpr std::size_t max_name_bytes = 500;
/// Of a CMS structure, in which its content type stands (RFC 5652).
constexpr std::size_t cms_head_bytes = 64;

struct gfree {
  void operator()(char* text) const { g_free(text); }
};
using gstring = std::unique_ptr<char, gfree>;

struct options_free {
  void operator()(GMimeParserOptions* options) const { g_mime_parser_options_free(options); }
};

std::string one_line(const char* text, std::size_t max_bytes) {
  if (text == nullptr) return {};
  const auto line = collapse(clean_utf8(text));
  return std::string{utf8_prefix(line, max_bytes)};
}

std::size_t boundary_lines(std::string_view bytes) {
  std::size_t lines = 0;
  for (auto at = bytes.find("\n--"); at != std::string_view::npos; at = bytes.find("\n--", at + 1))
    // Not what comments of SQL and heads of patches start with.
    if (const auto rest = bytes.substr(at + 3, 2); !rest.starts_with(" ") && rest != "- ") ++lines;
  return lines;
}

parse_failure no_message() {
  return {ec::malformed_document,
          "the message has no headers that can be read; export it again from the mail program"};
}

std::string parameter_of(GMimeObject* part, const char* name) {
  const auto* value = g_mime_object_get_content_type_parameter(part, name);
  return value == nullptr ? std::string{} : lower_case(value);
}

bool is_cms(std::string_view type) {
  return type == "application/pkcs7-mime" || type == "application/x-pkcs7-mime";
}

/// True where a CMS structure's content type is 1.2.840.113549.1.7.`last`.
bool has_cms_type(GMimeObject* part, char last) {
  if (!GMIME_IS_PART(part)) return false;
  const part_content content{GMIME_PART(part)};
  const auto type = std::string{"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07"sv} + last;
  return content.view().substr(0, cms_head_bytes).find(type) != std::string_view::npos;
}

}  // namespace

mime_message::mime_message(std::string_view bytes) {
  if (bytes.empty()) throw no_message();
  if (bytes.size() > max_bytes)
    throw parse_failure{ec::limit_exceeded, "the message is larger than " +
                                                std::to_string(max_bytes >> 20) +
                                                " MiB; save its attachments as files"};
  if (boundary_lines(bytes) > max_boundary_lines)
    throw parse_failure{ec::limit_exceeded, "the message has more than " +
                                                std::to_string(max_boundary_lines) +
                                                " parts; save its attachments as files"};
  static const bool ready = (g_mime_init(), true);
  static_cast<void>(ready);
  const auto guessed = guess_charset(bytes);
  const char* charsets[] = {"utf-8", guessed.c_str(), "windows-1252", nullptr};
  const std::unique_ptr<GMimeParserOptions, options_free> options{g_mime_parser_options_new()};
  g_mime_parser_options_set_fallback_charsets(options.get(), charsets);
  const gobject<GMimeStream> stream{g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size())};
  const gobject<GMimeParser> parser{g_mime_parser_new_with_stream(stream.get())};
  g_mime_parser_set_persist_stream(parser.get(), TRUE);
  message_.reset(g_mime_parser_construct_message(parser.get(), options.get()));
  if (!message_) throw no_message();
}

part_content::part_content(GMimePart* part) : stream_{g_mime_stream_mem_new()} {
  if (auto* content = g_mime_part_get_content(part); content != nullptr)
    g_mime_data_wrapper_write_to_stream(content, stream_.get());
}

std::string_view part_content::view() const {
  const auto* array = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream_.get()));
  if (array->data == nullptr) return {};
  return {reinterpret_cast<const char*>(array->data), array->len};
}

std::vector<GMimeObject*> parts_of(GMimeMessage* message) {
  std::vector<GMimeObject*> out;
  std::vector<GMimeObject*> open;
  if (auto* root = g_mime_message_get_mime_part(message); root != nullptr) open.push_back(root);
  while (!open.empty()) {
    auto* part = open.back();
    open.pop_back();
    out.push_back(part);
    if (!GMIME_IS_MULTIPART(part)) continue;
    auto* multipart = GMIME_MULTIPART(part);
    for (auto i = g_mime_multipart_get_count(multipart); i > 0; --i)
      open.push_back(g_mime_multipart_get_part(multipart, i - 1));
  }
  return out;
}

std::string mime_type_of(GMimeObject* part) {
  auto* type = g_mime_object_get_content_type(part);
  const gstring name{type == nullptr ? nullptr : g_mime_content_type_get_mime_type(type)};
  return name == nullptr ? "text/plain" : lower_case(name.get());
}

std::string name_of(GMimeObject* part) {
  const auto* file = GMIME_IS_PART(part)
                         ? g_mime_part_get_filename(GMIME_PART(part))
                         : g_mime_object_get_content_disposition_parameter(part, "filename");
  if (file == nullptr) file = g_mime_object_get_content_type_parameter(part, "name");
  if (auto name = one_line(file, max_name_bytes); !name.empty()) return name;
  return GMIME_IS_PART(part)
             ? one_line(g_mime_part_get_content_description(GMIME_PART(part)), max_name_bytes)
             : std::string{};
}

bool has_disposition(GMimeObject* part, std::string_view name) {
  const auto* value = g_mime_object_get_disposition(part);
  return value != nullptr && equals_ignoring_case(value, name);
}

std::string header_text(GMimeMessage* message, const char* name) {
  return one_line(g_mime_object_get_header(GMIME_OBJECT(message), name), max_header_bytes);
}

std::string address_text(GMimeMessage* message, GMimeAddressType type, const char* name) {
  auto* list = g_mime_message_get_addresses(message, type);
  if (list == nullptr || internet_address_list_length(list) == 0) return header_text(message, name);
  const gstring text{internet_address_list_to_string(list, nullptr, FALSE)};
  return one_line(text.get(), max_header_bytes);
}

std::string text_of(GMimePart* part, std::string_view content) {
  const auto charset = parameter_of(GMIME_OBJECT(part), "charset");
  // UTF-8 under another 8-bit name is common, text in another charset that is valid UTF-8 is not.
  const bool is_utf8 = is_clean_utf8(content);
  const bool is_ascii = std::all_of(content.begin(), content.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const bool declares_other = !charset.empty() && !charset.starts_with("utf-8") &&
                              charset != "utf8" && charset != "us-ascii";
  // Of ASCII bytes, only charsets with escapes make other letters.
  const bool escapes = charset.starts_with("iso-2022-") || charset.starts_with("hz-") ||
                       charset.find("utf-7") != std::string::npos || charset.starts_with("utf-16");
  if (declares_other && (!is_utf8 || escapes) && !(is_ascii && !escapes))
    if (auto text = decode_declared(content, charset)) return std::move(*text);
  if (const auto text = decode_text(content)) return std::string{text->view()};
  return clean_utf8(content);
}

std::string_view encryption_of(GMimeObject* part) {
  const auto type = mime_type_of(part);
  if (type == "multipart/encrypted") {
    auto* first =
        GMIME_IS_MULTIPART(part) ? g_mime_multipart_get_part(GMIME_MULTIPART(part), 0) : nullptr;
    const bool is_pgp = parameter_of(part, "protocol").find("pgp") != std::string::npos ||
                        (first != nullptr && mime_type_of(first) == "application/pgp-encrypted");
    return is_pgp ? "a message that is encrypted with OpenPGP" : "an encrypted message";
  }
  if (!is_cms(type)) return {};
  const auto smime = parameter_of(part, "smime-type");
  const bool encrypted =
      smime.empty() ? has_cms_type(part, '\x03') : smime.find("enveloped") != std::string::npos;
  return encrypted ? "a message that is encrypted with S/MIME" : std::string_view{};
}

bool is_opaque_signature(GMimeObject* part) {
  if (!is_cms(mime_type_of(part))) return false;
  const auto smime = parameter_of(part, "smime-type");
  return smime.empty() ? has_cms_type(part, '\x02') : smime == "signed-data";
}

}  // namespace millrace::parsers
