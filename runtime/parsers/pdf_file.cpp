#include "runtime/parsers/pdf_file.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <Catalog.h>
#include <DateInfo.h>
#include <Error.h>
#include <ErrorCodes.h>
#include <FileSpec.h>
#include <GlobalParams.h>
#include <Link.h>
#include <Outline.h>
#include <PDFDoc.h>
#include <UTF.h>

#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/poppler_differences.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr int max_outline_depth = 16;
constexpr std::size_t max_outline_titles = 10'000;
/// One page cut out of a book may bring the outline of the whole book.
constexpr std::size_t outline_titles_a_file = 100;
constexpr std::size_t outline_titles_a_page = 32;
/// Shorter titles ("1", "A") would match page numbers and table cells.
constexpr std::size_t min_outline_title_bytes = 4;
constexpr std::size_t max_links_a_page = 2'000;

/// Once a process: poppler keeps its settings in a global.
void prepare_poppler() {
  if (globalParams) return;
  globalParams = std::make_unique<GlobalParams>();
  // Damaged files are the rule here: what poppler has to say about them goes to nobody.
  setErrorCallback([](ErrorCategory, Goffset, const char*) {});
}

std::string to_utf8(const std::vector<Unicode>& text) {
  std::string out;
  for (const auto code_point : text) append_code_point(out, code_point);
  return out;
}

/// PDF's text strings are UTF-16 or PDFDocEncoding (ISO 32000-1, 7.9.2.2).
std::string to_utf8(const std::string& text_string) {
  return to_utf8(poppler::code_points(text_string));
}

std::string property(PDFDoc& document, const char* key) {
  const auto value = document.getDocInfoStringEntry(key);
  return value ? collapse(to_utf8(value->toStr())) : std::string{};
}

/// ISO 8601 where PDF's date can be read, else as it is.
std::string date_property(PDFDoc& document, const char* key) {
  const auto value = document.getDocInfoStringEntry(key);
  if (!value) return {};
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, zone_hour = 0,
      zone_minute = 0;
  char zone = 0;
  if (!parseDateString(value.get(), &year, &month, &day, &hour, &minute, &second, &zone, &zone_hour,
                       &zone_minute))
    return collapse(to_utf8(value->toStr()));
  std::array<char, 64> out{};
  int length = std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02d", year, month,
                             day, hour, minute, second);
  if (zone == '+' || zone == '-')
    length += std::snprintf(out.data() + length, out.size() - static_cast<std::size_t>(length),
                            "%c%02d:%02d", zone, zone_hour, zone_minute);
  else if (zone == 'Z')
    length +=
        std::snprintf(out.data() + length, out.size() - static_cast<std::size_t>(length), "Z");
  return {out.data(), std::min(static_cast<std::size_t>(length), out.size() - 1)};
}

void collect_outline(const std::vector<OutlineItem*>* items, int depth, std::size_t limit,
                     outline_titles& out) {
  if (items == nullptr || depth > max_outline_depth) return;
  for (auto* item : *items) {
    if (out.size() >= limit) return;
    auto title = collapse(to_utf8(poppler::title_of(*item)));
    if (title.size() >= min_outline_title_bytes)
      out.try_emplace(std::move(title), static_cast<std::uint8_t>(std::min(depth, 6)));
    item->open();
    collect_outline(item->getKids(), depth + 1, limit, out);
  }
}

/// "1 0" where the object `1 0 obj` is the document's root; empty where none is in sight.
std::string find_catalog(std::string_view bytes) {
  auto at = bytes.find("/Catalog");
  const auto start = at == std::string_view::npos ? at : bytes.rfind(" obj", at);
  if (start == std::string_view::npos) return {};
  auto first = start;
  while (first > 0 && (is_digit(bytes[first - 1]) || bytes[first - 1] == ' ')) --first;
  const auto numbers = trim(bytes.substr(first, start - first));
  return numbers.size() < 20 && numbers.find(' ') != std::string_view::npos ? std::string{numbers}
                                                                            : std::string{};
}

/// False where the whole is over `max_bytes`.
bool read_stream(Stream& stream, std::uint64_t max_bytes, std::string& out) {
  std::array<unsigned char, 16384> buffer;
  if (!poppler::rewind(stream)) return true;  // an attachment that cannot be read is empty
  while (true) {
    const int got = stream.doGetChars(static_cast<int>(buffer.size()), buffer.data());
    if (got <= 0) break;
    if (out.size() + static_cast<std::size_t>(got) > max_bytes) return false;
    out.append(reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(got));
  }
  stream.close();
  return true;
}

}  // namespace

pdf_file::pdf_file(std::string_view bytes) : rebuilt_{std::make_shared<bool>(false)} {
  prepare_poppler();
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw parse_failure{ec::limit_exceeded, "the PDF is over 2 GiB; split it into smaller files"};
  open(bytes);
  if (!document_->isOk() && document_->getErrorCode() != errEncrypted) open_cut_off(bytes);
  if (!document_->isOk() && document_->getErrorCode() == errEncrypted)
    throw parse_failure{ec::encrypted_document,
                        "the PDF is protected by a password; remove it and submit the file again"};
  if (!document_->isOk())
    throw parse_failure{
        ec::malformed_document,
        "the PDF cannot be opened: it is damaged or was cut off; get a complete copy of it"};
  const int pages = document_->getNumPages();
  if (pages <= 0)
    throw parse_failure{ec::malformed_document,
                        "the PDF has no pages: it is damaged; get a complete copy of it"};
  pages_ = static_cast<std::uint32_t>(pages);
}

void pdf_file::open(std::string_view bytes) {
  document_.reset();
  // Poppler reads from the bytes and never writes to them.
  auto* stream = new MemStream{const_cast<char*>(bytes.data()), 0,
                               static_cast<Goffset>(bytes.size()), Object{objNull}};
  document_ = poppler::open(stream, [rebuilt = rebuilt_] { *rebuilt = true; });
}

/// Poppler finds the objects of a file that lost its end, but not which one is the root: with a
/// trailer that says so it reads what is there.
void pdf_file::open_cut_off(std::string_view bytes) {
  const auto root = find_catalog(bytes);
  if (root.empty()) return;
  repaired_ =
      std::string{bytes} + "\nendobj\ntrailer\n<< /Root " + root + " R >>\nstartxref\n0\n%%EOF\n";
  *rebuilt_ = true;
  open(repaired_);
}

pdf_file::~pdf_file() = default;

std::string pdf_file::read_properties(document_builder& out) {
  auto title = property(*document_, "Title");
  out.set_title(title);
  constexpr std::array<std::pair<const char*, std::string_view>, 5> names{
      {{"Author", "author"},
       {"Subject", "subject"},
       {"Keywords", "keywords"},
       {"Creator", "creator"},
       {"Producer", "producer"}}};
  for (const auto& [key, name] : names) out.add_property(name, property(*document_, key));
  out.add_property("created", date_property(*document_, "CreationDate"));
  out.add_property("modified", date_property(*document_, "ModDate"));
  return title;
}

outline_titles pdf_file::read_outline() {
  outline_titles out;
  const auto limit =
      std::min(max_outline_titles, outline_titles_a_file + outline_titles_a_page * pages_);
  if (auto* outline = document_->getOutline()) collect_outline(outline->getItems(), 1, limit, out);
  return out;
}

void pdf_file::add_links(std::uint32_t page, document_builder& out) {
  const auto links = document_->getLinks(static_cast<int>(page));
  if (!links) return;
  std::size_t count = 0;
  std::string last;
  for (const auto* link : links->getLinks()) {
    const auto* action = link->getAction();
    if (action == nullptr || action->getKind() != actionURI || !action->isOk()) continue;
    const auto& target = static_cast<const LinkURI*>(action)->getURI();
    // A link over two lines is two annotations.
    if (target == last) continue;
    out.add_link(target);
    last = target;
    if (++count == max_links_a_page) return;
  }
}

std::vector<pdf_attachment> pdf_file::read_attachments(std::uint64_t max_bytes) {
  std::vector<pdf_attachment> out;
  auto* catalog = document_->getCatalog();
  const int count = std::min(catalog->numEmbeddedFiles(), max_pdf_attachments);
  for (int i = 0; i < count; ++i) {
    const auto spec = catalog->embeddedFile(i);
    if (!spec || !spec->isOk() || spec->getFileName() == nullptr) continue;
    pdf_attachment found{to_utf8(spec->getFileName()->toStr()), {}};
    auto* file = spec->getEmbeddedFile();
    if (file == nullptr || !file->isOk()) continue;
    if (!read_stream(*file->stream(), max_bytes, found.bytes)) continue;
    max_bytes -= found.bytes.size();
    out.push_back(std::move(found));
  }
  return out;
}

}  // namespace millrace::parsers
