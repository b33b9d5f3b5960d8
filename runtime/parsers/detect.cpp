#include "runtime/parsers/detect.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>

#include <magic.h>

#include "runtime/parsers/detect_text.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/text_tools.hpp"
#include "runtime/parsers/zip_container.hpp"

namespace millrace::parsers {

namespace {

using namespace std::string_view_literals;

/// PDF allows other bytes before its header (ISO 32000-1, appendix H.3.4).
constexpr std::size_t pdf_header_bytes = 1024;
constexpr std::size_t magic_sample_bytes = 1 << 20;
constexpr std::size_t max_part_list_bytes = 4 << 20;
/// The root of a flat OpenDocument file begins before.
constexpr std::size_t flat_odf_root_bytes = 4096;

struct signature {
  std::string_view bytes;
  std::size_t offset;
  std::string_view mime;
};
constexpr std::array signatures{
    signature{"{\\rtf"sv, 0, "application/rtf"},
    signature{"\x1F\x8B"sv, 0, "application/gzip"},
    signature{"7z\xBC\xAF\x27\x1C"sv, 0, "application/x-7z-compressed"},
    signature{"Rar!\x1A\x07"sv, 0, "application/x-rar"},
    signature{"BZh"sv, 0, "application/x-bzip2"},
    signature{"\xFD"
              "7zXZ\0"sv,
              0, "application/x-xz"},
    signature{"\x28\xB5\x2F\xFD"sv, 0, "application/zstd"},
    signature{"ustar"sv, 257, "application/x-tar"},
};

/// Names of OLE streams that tell what a compound file is. Encryption first: it wraps any of the
/// others.
struct ole_stream {
  std::string_view name;
  std::string_view mime;
};
constexpr std::array ole_streams{
    ole_stream{"EncryptedPackage", "application/encrypted-office"},
    ole_stream{"EncryptionInfo", "application/encrypted-office"},
    ole_stream{"WordDocument", "application/msword"},
    ole_stream{"Workbook", "application/vnd.ms-excel"},
    ole_stream{"Book", "application/vnd.ms-excel"},
    ole_stream{"PowerPoint Document", "application/vnd.ms-powerpoint"},
    ole_stream{"__properties_version1.0", "application/vnd.ms-outlook"},
};

/// True where the 128-byte directory entry has this name (MS-CFB 2.6.1: UTF-16LE, its length with
/// the final zero at offset 64).
bool entry_has_name(std::string_view entry, std::string_view name) {
  const auto length =
      static_cast<unsigned char>(entry[64]) | (static_cast<unsigned char>(entry[65]) << 8);
  if (static_cast<std::size_t>(length) != 2 * (name.size() + 1)) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (entry[2 * i] != name[i] || entry[2 * i + 1] != '\0') return false;
  return true;
}

/// Directory entries stand on multiples of 128 bytes, so all of them are looked at without
/// following the sector chains, which a hostile file may make endless.
std::string_view ole_mime(std::string_view bytes) {
  for (const auto& stream : ole_streams)
    for (std::size_t at = 512; at + 128 <= bytes.size(); at += 128)
      if (entry_has_name(bytes.substr(at, 128), stream.name)) return stream.mime;
  return "application/x-ole-storage";
}

/// Templates and master documents read like documents.
std::string_view odf_document_mime(std::string_view mime) {
  for (const auto suffix : {"-template"sv, "-master"sv, "-web"sv})
    if (mime.starts_with("application/vnd.oasis.opendocument."sv) && mime.ends_with(suffix))
      mime.remove_suffix(suffix.size());
  return mime;
}

/// What an Office or OpenDocument container holds.
std::string zip_mime(std::string_view bytes) {
  // Only looks: the parser that reads the container sets the limits that count.
  auto zip = zip_container::open(bytes, max_part_list_bytes);
  if (const auto mime = zip.read_if_present("mimetype")) {
    const auto value = odf_document_mime(trim(*mime));
    if (find_format(value) != nullptr) return std::string{value};
  }
  if (zip.contains("META-INF/container.xml")) return "application/epub+zip";
  const auto types = zip.read_if_present("[Content_Types].xml");
  if (!types) return "application/zip";
  const auto has = [&](std::string_view needle) {
    return types->find(needle) != std::string::npos;
  };
  // The main part's type, macro-enabled ones and templates included. Parts that are embedded have
  // types of other applications, but none of these.
  const auto has_main = [&](std::string_view application,
                            std::initializer_list<std::string_view> kinds) {
    return std::any_of(kinds.begin(), kinds.end(), [&](std::string_view kind) {
      return has(std::string{application}.append(kind).append(".main+xml"));
    });
  };
  constexpr auto office = "application/vnd.openxmlformats-officedocument."sv;
  if (has_main("wordprocessingml.", {"document", "template"}) ||
      has_main("ms-word.", {"document.macroEnabled", "template.macroEnabledTemplate"}))
    return std::string{office} + "wordprocessingml.document";
  if (has_main("presentationml.", {"presentation", "slideshow", "template"}) ||
      has_main("ms-powerpoint.", {"presentation.macroEnabled", "slideshow.macroEnabled",
                                  "template.macroEnabled", "addin.macroEnabled"}))
    return std::string{office} + "presentationml.presentation";
  if (has_main("spreadsheetml.", {"sheet", "template"}) ||
      has_main("ms-excel.", {"sheet.macroEnabled", "template.macroEnabled", "addin.macroEnabled"}))
    return std::string{office} + "spreadsheetml.sheet";
  if (has("ms-excel.sheet.binary.macroEnabled.main"))
    return "application/vnd.ms-excel.sheet.binary.macroenabled.12";
  return "application/zip";
}

/// libmagic, loaded once. Null answers where its database cannot be read.
class magic_database {
 public:
  static std::string ask(int flags, std::string_view bytes) {
    static const magic_database database;
    const auto cookie = database.cookie_.get();
    if (cookie == nullptr || magic_setflags(cookie, flags) != 0) return {};
    const char* answer =
        magic_buffer(cookie, bytes.data(), std::min(bytes.size(), magic_sample_bytes));
    return answer == nullptr ? std::string{} : std::string{answer};
  }

 private:
  magic_database() : cookie_{magic_open(MAGIC_NONE), magic_close} {
    if (cookie_ && magic_load(cookie_.get(), nullptr) != 0) cookie_.reset();
  }
  std::unique_ptr<magic_set, void (*)(magic_t)> cookie_;
};

detection ask_magic(std::string_view bytes) {
  detection out;
  out.mime = magic_database::ask(MAGIC_MIME_TYPE, bytes);
  if (out.mime.empty() || out.mime.starts_with("text/") || find_format(out.mime) != nullptr)
    out.mime = "application/octet-stream";
  if (out.mime != "application/octet-stream")
    out.description = magic_database::ask(MAGIC_NONE, bytes);
  return out;
}

/// Empty where the bytes have no signature that we know.
std::string mime_by_signature(std::string_view bytes) {
  if (bytes.starts_with("PK\x03\x04"sv) || bytes.starts_with("PK\x05\x06"sv))
    return zip_mime(bytes);
  if (bytes.starts_with("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv)) return std::string{ole_mime(bytes)};
  for (const auto& known : signatures)
    if (bytes.size() >= known.offset && bytes.substr(known.offset).starts_with(known.bytes))
      return std::string{known.mime};
  if (const auto image = image_mime(bytes); !image.empty()) return std::string{image};
  const auto head = bytes.substr(0, pdf_header_bytes);
  const auto pdf = head.find("%PDF-");
  // A text may speak of PDF's header; only junk bytes or white space stand before a real one.
  if (pdf == 0 ||
      (pdf != std::string_view::npos && head.find(" obj", pdf) != std::string_view::npos))
    return "application/pdf";
  return {};
}

/// A flat OpenDocument file is one XML text, and says in its root what it is; empty for other XML.
std::string_view flat_odf_mime(std::string_view text) {
  const auto root = text.find("<office:document ");
  if (root > flat_odf_root_bytes) return {};
  constexpr auto key = "office:mimetype=\""sv;
  const auto tag = text.substr(root, text.find('>', root) - root);
  const auto at = tag.find(key);
  if (at == std::string_view::npos) return {};
  const auto value = tag.substr(at + key.size());
  const auto mime = odf_document_mime(value.substr(0, value.find('"')));
  return find_format(mime) != nullptr ? mime : std::string_view{};
}

}  // namespace

detection detect_format(std::string_view bytes) {
  detection out;
  out.mime = mime_by_signature(bytes);
  if (!out.mime.empty()) return out;
  auto text = decode_text(bytes);
  if (!text) return ask_magic(bytes);
  out.mime = detect_text_format(text->view());
  if (out.mime == "application/xml")
    if (const auto flat = flat_odf_mime(text->view()); !flat.empty()) out.mime = flat;
  out.text = std::move(*text);
  return out;
}

}  // namespace millrace::parsers
