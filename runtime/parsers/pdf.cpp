// PDF by poppler: each page's text in reading order, its lines put together to paragraphs, its
// images where they stand, its links; then the files embedded in it.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/pdf_file.hpp"
#include "runtime/parsers/pdf_images.hpp"
#include "runtime/parsers/pdf_page.hpp"
#include "runtime/parsers/pdf_paragraphs.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// A document's title is a heading where a line says it; shorter ones would match cells.
constexpr std::size_t min_title_bytes = 4;
/// A whole file ends with this, and few bytes after it.
constexpr std::string_view end_mark = "%%EOF";
constexpr std::size_t end_mark_bytes = 2048;

bool is_cut_off(std::string_view bytes) {
  const auto tail = bytes.substr(bytes.size() - std::min(bytes.size(), end_mark_bytes));
  return tail.find(end_mark) == std::string_view::npos;
}

struct pages_read {
  std::uint32_t readable = 0;
  bool empty = true;  ///< No text and no image on any of them.
};

pages_read read_pages(const parse_input& in, pdf_file& file, std::uint32_t pages,
                      const outline_titles& outline, document_builder& out) {
  const auto images = in.limits.images ? page_images::collected : page_images::ignored;
  pdf_image_chooser chooser{in.bytes};
  stream_hashes hashes;
  pdf_page page;
  const auto known = in.depth == 0 && in.limits.known_pages < pages ? in.limits.known_pages : 0;
  out.set_skipped_pages(known);
  if (known > 0 && in.progress)
    in.progress(known);  // reported now, in case the first page read kills the process
  pages_read done{.readable = known, .empty = known == 0};
  for (std::uint32_t number = known + 1; number <= pages; ++number) {
    if (read_pdf_page(file.document(), number, images, hashes, page)) {
      out.set_page(number);
      const auto chosen =
          in.limits.images ? chooser.choose(page, number) : std::vector<placed_image>{};
      add_pdf_page(page.text, chosen, outline, out);
      file.add_links(number, out);
      ++done.readable;
      if (!chosen.empty() || !trim(page.text).empty()) done.empty = false;
    }
    if (in.progress) in.progress(number);
  }
  if (chooser.is_over_limit())
    out.warn(ec::partly_read, "the PDF has more than " + std::to_string(max_images_a_page) +
                                  " images on a page or " + std::to_string(max_images_a_pdf) +
                                  " in all; the rest was left out: split the file");
  return done;
}

void warn_of_damage(const parse_input& in, pdf_file& file, std::uint32_t pages,
                    std::uint32_t readable, document_builder& out) {
  if (readable < pages)
    out.warn(ec::partly_read, "of the PDF's " + std::to_string(pages) + " pages, " +
                                  std::to_string(pages - readable) +
                                  " cannot be read: it is damaged; get a complete copy of it");
  if (file.rebuilt() && is_cut_off(in.bytes))
    out.warn(ec::partly_read,
             "the PDF was cut off: what is left of it was read; get a complete copy of it");
  if (file.pages() > pages)
    out.warn(ec::partly_read, "the PDF has " + std::to_string(file.pages()) +
                                  " pages, of which the first " + std::to_string(pages) +
                                  " were read; split the file");
}

/// Files in the PDF that we can read; others say nothing. Their pages follow those of the PDF.
void read_attachments(const parse_input& outer, pdf_file& file, std::uint32_t pages,
                      document_builder& out) {
  if (outer.depth >= outer.limits.max_inner_depth) return;
  out.set_page(0);
  auto done = pages;
  const progress_callback progress = [&](std::uint32_t) {
    if (outer.progress) outer.progress(++done);
  };
  const parse_input in{outer.bytes, outer.text, outer.limits, progress, outer.depth};
  const auto attachments = file.read_attachments(in.limits.max_unpacked_bytes);
  for (std::size_t i = 0; i < attachments.size(); ++i) {
    out.add(element_kind::heading, attachments[i].name, 1);
    try {
      parse_inner_document(attachments[i].bytes, "attachment:" + std::to_string(i), in, out);
    } catch (const parse_failure& failure) {
      if (failure.reason().code == ec::limit_exceeded) throw;
    }
  }
}

}  // namespace

void parse_pdf(const parse_input& in, document_builder& out) {
  pdf_file file{in.bytes};
  const auto title = file.read_properties(out);
  auto outline = file.read_outline();
  if (title.size() >= min_title_bytes) outline.try_emplace(title, std::uint8_t{1});
  const auto pages = std::min(file.pages(), max_pdf_pages);
  out.set_page_count(pages);
  const auto done = read_pages(in, file, pages, outline, out);
  if (done.readable == 0 || (done.readable < pages && done.empty))
    throw parse_failure{ec::malformed_document,
                        "no page of the PDF can be read: it is damaged or was cut off; get a "
                        "complete copy of it"};
  warn_of_damage(in, file, pages, done.readable, out);
  read_attachments(in, file, pages, out);
}

}  // namespace millrace::parsers
