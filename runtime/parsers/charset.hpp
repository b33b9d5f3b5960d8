// Finds the character set of a text and converts it to clean UTF-8. Pure but for iconv, which loads
// a conversion module at its first use of a set. UTF-8 input is not copied.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::parsers {

/// A text as clean UTF-8: a view of the input where that was clean already, else a conversion that
/// it owns.
class decoded_text {
 public:
  static decoded_text borrowed(std::string_view text) {
    decoded_text out;
    out.borrowed_ = text;
    return out;
  }
  static decoded_text owned(std::string text) {
    decoded_text out;
    out.owned_ = std::move(text);
    return out;
  }
  std::string_view view() const { return owned_ ? std::string_view{*owned_} : borrowed_; }

 private:
  std::string_view borrowed_;
  std::optional<std::string> owned_;
};

/// Tries in this order: byte order mark; valid UTF-8; UTF-16 by the position of its zero bytes; the
/// charset that an HTML or XML head declares; statistics (uchardet); windows-1252. What cannot be
/// converted becomes U+FFFD. Nothing where the bytes are no text: control characters, or zero bytes
/// in no pattern of UTF-16 or UTF-32.
std::optional<decoded_text> decode_text(std::string_view bytes);

/// From `charset`, a name that iconv knows, to clean UTF-8; what is invalid becomes U+FFFD. Nothing
/// where iconv does not know the charset.
std::optional<std::string> convert_charset(std::string_view bytes, const std::string& charset);

/// `bytes` from the charset that a message declares for them, under any of the names that mail
/// programs use; an invalid byte becomes U+FFFD. Nothing where nobody knows the charset.
std::optional<std::string> decode_declared(std::string_view bytes, std::string_view charset);

/// By statistics of the first 64 KiB; a name for iconv, never empty.
std::string guess_charset(std::string_view bytes);

}  // namespace millrace::parsers
