// E-mail messages (RFC 5322, MIME) as gmime reads them from memory: the parts in order, their
// decoded bytes, their text as clean UTF-8. One message, one thread.
//
// gmime keeps the message's bytes once and each part as a window on them; content is decoded only
// when it is asked for. It ends a message's nesting by itself at 1,024 levels.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmime/gmime.h>

namespace millrace::parsers {

struct gobject_unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using gobject = std::unique_ptr<T, gobject_unref>;

class mime_message {
 public:
  /// Larger ones are refused: gmime needs all of a message in memory.
  static constexpr std::size_t max_bytes = std::size_t{1} << 30;
  /// Lines that may part a message. Each part takes gmime some 2 KB, whatever its size.
  static constexpr std::size_t max_boundary_lines = 100'000;

  /// Throws limit_exceeded over the bounds, malformed_document where gmime finds no message.
  explicit mime_message(std::string_view bytes);

  GMimeMessage* get() const { return message_.get(); }

 private:
  gobject<GMimeMessage> message_;
};

/// The decoded bytes of a part (base64, quoted-printable and their like removed).
class part_content {
 public:
  explicit part_content(GMimePart* part);
  std::string_view view() const;

 private:
  gobject<GMimeStream> stream_;
};

/// All parts of a message, each multipart before its children; a message inside it is one part.
/// What images are numbered by, so the order is fixed.
std::vector<GMimeObject*> parts_of(GMimeMessage* message);

/// "text/html", in lower case; never empty.
std::string mime_type_of(GMimeObject* part);
/// The file name of an attachment, else its description; empty where it has neither.
std::string name_of(GMimeObject* part);
bool has_disposition(GMimeObject* part, std::string_view name);
/// Value of a header as people read it: decoded, unfolded, in one line of bounded length.
std::string header_text(GMimeMessage* message, const char* name);
/// The same for headers of addresses: `Anna Miller <anna@example.org>, ...`.
std::string address_text(GMimeMessage* message, GMimeAddressType type, const char* name);
/// Text of a part by the charset that it declares; by its bytes, where it declares none, an unknown
/// or a wrong one.
std::string text_of(GMimePart* part, std::string_view content);

/// Where nobody can read a part without a key: what it is, else empty.
std::string_view encryption_of(GMimeObject* part);
/// S/MIME whose text is packed into its signature.
bool is_opaque_signature(GMimeObject* part);

}  // namespace millrace::parsers
