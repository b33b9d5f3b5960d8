#include "runtime/parsers/charset.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <iconv.h>
#include <uchardet/uchardet.h>

#include "runtime/core/utf8.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

using namespace std::string_view_literals;

/// How much of a file is looked at to tell text from binary and one charset from another.
constexpr std::size_t charset_sample_bytes = 64 * 1024;
/// Where HTML wants its charset to be declared, with room for comments before it.
constexpr std::size_t declaration_bytes = 4096;
/// Control characters per thousand bytes that a text may have (terminal escapes, form feeds).
constexpr std::size_t max_controls_per_mille = 20;
/// A legacy charset spends few bytes on C1 controls; binary data spends a quarter of its bytes on
/// controls.
constexpr std::string_view fallback_charset = "WINDOWS-1252";

bool is_odd_control(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (u < 0x20 && !is_space(c) && c != '\x1B') || u == 0x7F;
}

bool has_few_controls(std::string_view sample) {
  const auto controls =
      static_cast<std::size_t>(std::count_if(sample.begin(), sample.end(), is_odd_control));
  return controls * 1000 <= sample.size() * max_controls_per_mille;
}

struct iconv_closer {
  void operator()(void* descriptor) const { iconv_close(static_cast<iconv_t>(descriptor)); }
};

struct byte_order_mark {
  std::string_view bytes;
  const char* charset;
};
/// UTF-32 first: its little-endian mark starts with that of UTF-16.
constexpr byte_order_mark byte_order_marks[] = {
    {"\xFF\xFE\0\0"sv, "UTF-32LE"},
    {"\0\0\xFE\xFF"sv, "UTF-32BE"},
    {"\xFF\xFE"sv, "UTF-16LE"},
    {"\xFE\xFF"sv, "UTF-16BE"},
};

/// Latin text in UTF-16 has a zero in nearly every second byte, and nearly none in the others.
const char* utf16_by_zero_bytes(std::string_view sample) {
  if (sample.size() < 4) return nullptr;
  std::size_t zeros[2] = {0, 0};
  for (std::size_t i = 0; i < sample.size(); ++i)
    if (sample[i] == '\0') ++zeros[i % 2];
  const auto pairs = sample.size() / 2;
  const auto many = [&](std::size_t n) { return n * 2 > pairs; };
  const auto few = [&](std::size_t n) { return n * 20 <= pairs; };
  if (many(zeros[1]) && few(zeros[0])) return "UTF-16LE";
  if (many(zeros[0]) && few(zeros[1])) return "UTF-16BE";
  return nullptr;
}

/// The value of charset= or encoding= in the head of an HTML or XML text.
std::string declared_charset(std::string_view bytes) {
  const auto head = lower_case(bytes.substr(0, declaration_bytes));
  if (trim(head).substr(0, 1) != "<") return {};
  for (const auto key : {"charset="sv, "encoding="sv}) {
    const auto at = head.find(key);
    if (at == std::string::npos) continue;
    auto value = std::string_view{head}.substr(at + key.size());
    while (!value.empty() && (value[0] == '"' || value[0] == '\'' || value[0] == ' '))
      value.remove_prefix(1);
    const auto end = value.find_first_of("\"' ;/>?\r\n");
    auto name = std::string{value.substr(0, std::min<std::size_t>(end, 40))};
    // What browsers do: pages that declare Latin-1 are written in windows-1252, and a page whose
    // declaration could be read as bytes is not UTF-16, whatever it says.
    if (name == "iso-8859-1" || name == "us-ascii" || name == "latin1")
      return std::string{fallback_charset};
    if (name.starts_with("utf-16") || name.starts_with("utf-8")) return {};
    return name;
  }
  return {};
}

std::string guessed_charset(std::string_view sample) {
  const std::unique_ptr<uchardet, void (*)(uchardet*)> detector{uchardet_new(), uchardet_delete};
  if (uchardet_handle_data(detector.get(), sample.data(), sample.size()) != 0) return {};
  uchardet_data_end(detector.get());
  std::string name = uchardet_get_charset(detector.get());
  if (name == "ISO-8859-1" || name == "ASCII" || name == "UTF-8") name = fallback_charset;
  return name;
}

decoded_text convert_legacy(std::string_view bytes, std::string_view sample) {
  for (const auto& charset : {declared_charset(bytes), guessed_charset(sample)}) {
    if (charset.empty()) continue;
    if (auto text = convert_charset(bytes, charset)) return decoded_text::owned(std::move(*text));
  }
  auto text = convert_charset(bytes, std::string{fallback_charset});
  return decoded_text::owned(text ? std::move(*text) : clean_utf8(bytes));
}

}  // namespace

std::optional<std::string> convert_charset(std::string_view bytes, const std::string& charset) {
  const auto opened = iconv_open("UTF-8", charset.c_str());
  if (opened == reinterpret_cast<iconv_t>(-1)) return std::nullopt;
  const std::unique_ptr<void, iconv_closer> descriptor{opened};
  std::string out(bytes.size() + bytes.size() / 2 + 64, '\0');
  std::size_t used = 0;
  auto* in = const_cast<char*>(bytes.data());
  auto in_left = bytes.size();
  while (in_left > 0) {
    auto* to = out.data() + used;
    auto room = out.size() - used;
    const auto converted = iconv(opened, &in, &in_left, &to, &room);
    used = static_cast<std::size_t>(to - out.data());
    if (converted != static_cast<std::size_t>(-1)) break;
    if (errno == E2BIG || out.size() - used < 8) {
      out.resize(out.size() * 2);
    } else if (errno == EILSEQ) {
      const auto mark = "\uFFFD"sv;
      std::copy(mark.begin(), mark.end(), out.data() + used);
      used += mark.size();
      ++in;
      --in_left;
    } else {
      break;  // EINVAL: the last character is cut off.
    }
  }
  out.resize(used);
  return clean_utf8(out);
}

std::optional<std::string> decode_declared(std::string_view bytes, std::string_view charset) {
  struct alias {
    std::string_view name;
    const char* charset;
  };
  // Supersets that mail programs write under the name of the smaller set, and names of their own.
  static constexpr alias aliases[] = {
      {"iso-8859-1", "WINDOWS-1252"},
      {"latin1", "WINDOWS-1252"},
      {"iso-8859-9", "WINDOWS-1254"},
      {"gb2312", "GB18030"},
      {"gbk", "GB18030"},
      {"x-gbk", "GB18030"},
      {"ks_c_5601-1987", "CP949"},
      {"euc-kr", "CP949"},
      {"shift_jis", "CP932"},
      {"x-sjis", "CP932"},
      {"iso-8859-8-i", "ISO-8859-8"},
      {"iso-8859-8-e", "ISO-8859-8"},
      {"iso-2022-jp", "ISO-2022-JP-2"},
      {"unicode-1-1-utf-7", "UTF-7"},
  };
  constexpr std::size_t max_name_bytes = 40;
  const auto name = lower_case(trim(charset));
  if (name.empty() || name.size() > max_name_bytes || name.find('/') != std::string::npos)
    return std::nullopt;
  for (const auto& known : aliases)
    if (known.name == name) return convert_charset(bytes, known.charset);
  if (name == "utf-8" || name == "utf8") return clean_utf8(bytes);
  return convert_charset(bytes, name);
}

std::string guess_charset(std::string_view bytes) {
  auto name = guessed_charset(bytes.substr(0, charset_sample_bytes));
  return name.empty() ? std::string{fallback_charset} : name;
}

std::optional<decoded_text> decode_text(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF"sv)) {
    bytes.remove_prefix(3);
    if (!has_few_controls(bytes.substr(0, charset_sample_bytes))) return std::nullopt;
    return is_clean_utf8(bytes) ? decoded_text::borrowed(bytes)
                                : decoded_text::owned(clean_utf8(bytes));
  }
  for (const auto& mark : byte_order_marks) {
    if (!bytes.starts_with(mark.bytes)) continue;
    auto text = convert_charset(bytes.substr(mark.bytes.size()), mark.charset);
    if (text && has_few_controls(std::string_view{*text}.substr(0, charset_sample_bytes)))
      return decoded_text::owned(std::move(*text));
    return std::nullopt;
  }
  const auto sample = bytes.substr(0, charset_sample_bytes);
  if (sample.find('\0') != std::string_view::npos) {
    const auto* charset = utf16_by_zero_bytes(sample);
    auto text = charset != nullptr ? convert_charset(bytes, charset) : std::nullopt;
    if (text && has_few_controls(std::string_view{*text}.substr(0, charset_sample_bytes)))
      return decoded_text::owned(std::move(*text));
    return std::nullopt;
  }
  if (!has_few_controls(sample)) return std::nullopt;
  if (is_clean_utf8(bytes)) return decoded_text::borrowed(bytes);
  // A few broken bytes in what is otherwise UTF-8 (a cut log line) do not make it another charset.
  if (is_clean_utf8(utf8_prefix(sample, sample.size() - 1)) && sample.size() < bytes.size())
    return decoded_text::owned(clean_utf8(bytes));
  return convert_legacy(bytes, sample);
}

}  // namespace millrace::parsers
