// PDF by poppler: each page's text in reading order, its lines put together to paragraphs. A
// scanned page has no text and gives no elements.
#include <limits>
#include <memory>
#include <string>

#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>
#include <poppler-toc.h>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/pdf_paragraphs.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr int max_outline_depth = 16;
constexpr std::size_t max_outline_titles = 10'000;
/// Shorter titles ("1", "A") would match page numbers and table cells.
constexpr std::size_t min_outline_title_bytes = 4;

std::string to_string(const poppler::ustring& text) {
  const auto bytes = text.to_utf8();
  return {bytes.data(), bytes.size()};
}

void collect_outline(const poppler::toc_item& item, int depth, outline_titles& out) {
  if (depth > max_outline_depth) return;
  for (auto at = item.children_begin();
       at != item.children_end() && out.size() < max_outline_titles; ++at) {
    auto title = collapse(to_string((*at)->title()));
    if (title.size() >= min_outline_title_bytes)
      out.try_emplace(std::move(title), static_cast<std::uint8_t>(std::min(depth, 6)));
    collect_outline(**at, depth + 1, out);
  }
}

outline_titles read_outline(const poppler::document& document) {
  outline_titles out;
  const std::unique_ptr<poppler::toc> toc{document.create_toc()};
  if (toc) collect_outline(*toc->root(), 1, out);
  return out;
}

std::unique_ptr<poppler::document> open_pdf(std::string_view bytes) {
  // Damaged files are the rule here: what poppler has to say about them goes to nobody.
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw parse_failure{ec::limit_exceeded, "the PDF is over 2 GiB; split it into smaller files"};
  std::unique_ptr<poppler::document> document{
      poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size()))};
  if (!document)
    throw parse_failure{
        ec::malformed_document,
        "the PDF cannot be opened: it is damaged or was cut off; get a complete copy of it"};
  if (document->is_locked())
    throw parse_failure{ec::encrypted_document,
                        "the PDF is protected by a password; remove it and submit the file again"};
  if (document->pages() <= 0)
    throw parse_failure{ec::malformed_document,
                        "the PDF has no pages: it is damaged; get a complete copy of it"};
  return document;
}

}  // namespace

void parse_pdf(const parse_input& in, document_builder& out) {
  const auto document = open_pdf(in.bytes);
  const auto title = collapse(to_string(document->get_title()));
  out.set_title(title);
  auto outline = read_outline(*document);
  if (title.size() >= min_outline_title_bytes) outline.try_emplace(title, std::uint8_t{1});
  const auto pages = static_cast<std::uint32_t>(document->pages());
  out.set_page_count(pages);
  for (std::uint32_t i = 0; i < pages; ++i) {
    const std::unique_ptr<poppler::page> page{document->create_page(static_cast<int>(i))};
    if (page) {
      out.set_page(i + 1);
      add_pdf_page(to_string(page->text({}, poppler::page::non_raw_non_physical_layout)), outline,
                   out);
    }
    if (in.progress) in.progress(i + 1);
  }
}

}  // namespace millrace::parsers
