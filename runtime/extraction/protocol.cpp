#include "runtime/extraction/protocol.hpp"

#include <algorithm>

#include "runtime/core/utf8.hpp"
#include "runtime/extraction/wire.hpp"

namespace millrace::extraction {

namespace {

constexpr std::uint32_t hello_magic = 0x5458524D;  // "MRXT" in the order of the bytes
constexpr std::size_t header_bytes = 5;
constexpr std::size_t part_bytes = 256 << 10;  // where the encoder begins the next frame
constexpr std::size_t max_sha256_bytes = 64;
/// What a link takes beside its target; keeps their number within 16 bits.
constexpr std::size_t link_overhead_bytes = 8;
constexpr std::uint8_t look_for_images = 1;
constexpr std::uint8_t tell_each_page = 2;

constexpr std::uint8_t has_image = 1;
constexpr std::uint8_t continues = 2;

tl::unexpected<error> broken(std::string_view what) {
  return fail(ec::extraction_crashed, std::string{what});
}

/// Appends a header whose length end_frame() fills in; returns where the frame begins.
std::size_t begin_frame(std::string& out, frame_type type) {
  const auto start = out.size();
  wire::append(out, std::uint32_t{0});
  wire::append(out, static_cast<std::uint8_t>(type));
  return start;
}

void patch_u32(std::string& out, std::size_t at, std::uint32_t value) {
  std::string bytes;
  wire::append(bytes, value);
  out.replace(at, bytes.size(), bytes);
}

void end_frame(std::string& out, std::size_t start) {
  patch_u32(out, start, static_cast<std::uint32_t>(out.size() - start - header_bytes));
}

void append_image(std::string& out, const image_info& image) {
  wire::append(out, std::string_view{image.sha256}.substr(0, max_sha256_bytes));
  wire::append(out, std::string_view{image.mime}.substr(0, max_mime_bytes));
  wire::append(out, image.width);
  wire::append(out, image.height);
  wire::append(out, image.size);
  wire::append(out, std::string_view{image.source}.substr(0, max_source_bytes));
}

void append_properties(std::string& out, const extracted_document& document) {
  const auto count = std::min(document.properties.size(), max_properties);
  wire::append(out, static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [name, value] = document.properties[i];
    wire::append(out, std::string_view{name}.substr(0, max_property_bytes));
    wire::append(out, std::string_view{value}.substr(0, max_property_bytes));
  }
}

void append_links(std::string& out, const extracted_document& document) {
  std::size_t bytes = 0;
  std::uint16_t count = 0;
  std::string links;
  for (const auto& link : document.links) {
    if (link.target.size() > max_link_bytes) continue;
    bytes += link.target.size() + link_overhead_bytes;
    if (bytes > max_links_bytes) break;
    wire::append(links, link.page);
    wire::append(links, std::string_view{link.target});
    ++count;
  }
  wire::append(out, count);
  out += links;
}

void append_head(std::string& out, const extracted_document& document) {
  const auto& warning = document.warning;
  wire::append(out, std::string_view{document.mime}.substr(0, max_mime_bytes));
  wire::append(out, std::string_view{document.sha256}.substr(0, max_sha256_bytes));
  wire::append(out, document.size);
  wire::append(out, document.pages);
  wire::append(out, document.skipped_pages);
  wire::append(out, std::string_view{document.title}.substr(0, max_title_bytes));
  wire::append(out, warning.code == ec::none ? std::string_view{} : to_string(warning.code));
  wire::append(out, std::string_view{warning.message}.substr(0, max_sentence_bytes));
  append_properties(out, document);
  append_links(out, document);
}

bool is_sha256(std::string_view text) {
  return text.size() == max_sha256_bytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

bool is_parser_failure(ec code) {
  switch (code) {
    case ec::unsupported_format:
    case ec::encrypted_document:
    case ec::malformed_document:
    case ec::limit_exceeded:
    case ec::source_unreadable:
    case ec::extraction_crashed:
      return true;
    default:
      return false;
  }
}

bool is_warning(ec code) {
  return code == ec::partly_read || code == ec::empty_document;
}

void append_hello(std::string& out, std::uint16_t version) {
  const auto start = begin_frame(out, frame_type::hello);
  wire::append(out, hello_magic);
  wire::append(out, version);
  end_frame(out, start);
}

void append_request(std::string& out, const request& r) {
  const auto start = begin_frame(out, frame_type::request);
  wire::append(out, r.max_text_bytes);
  wire::append(out, static_cast<std::uint8_t>((r.images ? look_for_images : 0U) |
                                              (r.each_page ? tell_each_page : 0U)));
  wire::append(out, static_cast<std::uint16_t>(r.documents.size()));
  for (const auto& d : r.documents) {
    wire::append(out, d.number);
    wire::append(out, d.size);
    wire::append(out, d.known_pages);
  }
  end_frame(out, start);
}

void append_progress(std::string& out, const progress& p) {
  const auto start = begin_frame(out, frame_type::progress);
  wire::append(out, p.number);
  wire::append(out, p.pages);
  end_frame(out, start);
}

void append_working(std::string& out, const working& w) {
  const auto start = begin_frame(out, frame_type::working);
  wire::append(out, w.number);
  wire::append(out, w.bytes);
  end_frame(out, start);
}

void append_failure(std::string& out, const failure& f) {
  const auto code = is_parser_failure(f.reason.code) ? f.reason.code : ec::extraction_crashed;
  const auto start = begin_frame(out, frame_type::failure);
  wire::append(out, f.number);
  wire::append(out, to_string(code));
  wire::append(out, std::string_view{f.reason.message}.substr(0, max_sentence_bytes));
  end_frame(out, start);
}

void append_image_request(std::string& out, const image_request& r) {
  const auto start = begin_frame(out, frame_type::read_image);
  wire::append(out, r.number);
  wire::append(out, r.size);
  wire::append(out, std::string_view{r.source}.substr(0, max_source_bytes));
  wire::append(out, std::string_view{r.languages}.substr(0, max_languages_bytes));
  end_frame(out, start);
}

void append_identity(std::string& out, const identity& i) {
  const auto start = begin_frame(out, frame_type::identity);
  wire::append(out, i.number);
  wire::append(out, std::string_view{i.sha256}.substr(0, max_sha256_bytes));
  wire::append(out, i.size);
  wire::append(out, i.skipped_pages);
  wire::append(out, std::string_view{i.mime}.substr(0, max_mime_bytes));
  wire::append(out, i.pages);
  wire::append(out, std::string_view{i.title}.substr(0, max_title_bytes));
  end_frame(out, start);
}

void append_redirect(std::string& out, const redirect& r) {
  const auto start = begin_frame(out, frame_type::redirect);
  wire::append(out, r.number);
  wire::append(out, std::string_view{r.mime}.substr(0, max_mime_bytes));
  end_frame(out, start);
}

document_encoder::document_encoder(std::uint64_t number, const extracted_document& document,
                                   std::size_t first_element)
    : number_{number}, head_{&document}, elements_{document.elements}, index_{first_element} {}

document_encoder::document_encoder(std::uint64_t number, std::span<const element> elements)
    : number_{number}, elements_{elements} {}

bool document_encoder::append_next(std::string& out) {
  if (index_ > elements_.size() || (head_ == nullptr && index_ == elements_.size())) return false;
  const auto start = begin_frame(out, frame_type::elements);
  const auto type_at = start + sizeof(std::uint32_t);
  wire::append(out, number_);
  const auto count_at = out.size();
  wire::append(out, std::uint32_t{0});
  const auto count = append_elements(out);
  patch_u32(out, count_at, count);
  if (head_ != nullptr && index_ == elements_.size()) {  // the last: turn the frame into the result
    ++index_;
    out[type_at] = static_cast<char>(frame_type::result);
    std::string head;
    append_head(head, *head_);
    out.insert(count_at, head);
  }
  end_frame(out, start);
  return true;
}

std::uint32_t document_encoder::append_elements(std::string& out) {
  const auto end = out.size() + part_bytes;
  std::uint32_t count = 0;
  while (index_ < elements_.size() && out.size() < end) {
    const auto& e = elements_[index_];
    const bool first = offset_ == 0;
    const auto piece = std::string_view{e.text}.substr(offset_, end - out.size());
    const bool image = first && e.kind == element_kind::image;
    wire::append(out, static_cast<std::uint8_t>(e.kind));
    wire::append(out, e.level);
    wire::append(out,
                 static_cast<std::uint8_t>((image ? has_image : 0U) | (first ? 0U : continues)));
    wire::append(out, e.page);
    wire::append(out, piece);
    if (image) append_image(out, e.image);
    ++count;
    offset_ += piece.size();
    if (offset_ < e.text.size()) continue;
    ++index_;
    offset_ = 0;
  }
  return count;
}

result<std::optional<frame>> take_frame(std::string_view& buffer) {
  wire::reader header{buffer};
  const auto length = header.integer<std::uint32_t>();
  const auto type = header.integer<std::uint8_t>();
  if (!header.ok()) return std::nullopt;
  if (length > max_frame_bytes)
    return broken("a frame of " + std::to_string(length) + " bytes is longer than the limit of " +
                  std::to_string(max_frame_bytes));
  if (type < static_cast<std::uint8_t>(frame_type::hello) ||
      type > static_cast<std::uint8_t>(frame_type::working))
    return broken("there is no frame of type " + std::to_string(type));
  if (buffer.size() < header_bytes + length) return std::nullopt;
  const frame taken{static_cast<frame_type>(type), buffer.substr(header_bytes, length)};
  buffer.remove_prefix(header_bytes + length);
  return taken;
}

result<std::uint16_t> decode_hello(std::string_view payload) {
  wire::reader in{payload};
  const auto magic = in.integer<std::uint32_t>();
  const auto version = in.integer<std::uint16_t>();
  if (!in.done() || magic != hello_magic) return broken("the greeting is not an extractor's");
  return version;
}

result<request> decode_request(std::string_view payload) {
  wire::reader in{payload};
  request r;
  r.max_text_bytes = in.integer<std::uint64_t>();
  const auto options = in.integer<std::uint8_t>();
  r.images = (options & look_for_images) != 0;
  r.each_page = (options & tell_each_page) != 0;
  const auto count = in.integer<std::uint16_t>();
  if (!in.ok() || count == 0 || count > max_frame_documents)
    return broken("a request must hold 1 to " + std::to_string(max_frame_documents) + " documents");
  for (unsigned i = 0; i < count; ++i) {
    document_request d;
    d.number = in.integer<std::uint64_t>();
    d.size = in.integer<std::uint64_t>();
    d.known_pages = in.integer<std::uint32_t>();
    r.documents.push_back(d);
  }
  if (!in.done()) return broken("a request does not have the length that its count says");
  return r;
}

result<progress> decode_progress(std::string_view payload) {
  wire::reader in{payload};
  progress p;
  p.number = in.integer<std::uint64_t>();
  p.pages = in.integer<std::uint32_t>();
  if (!in.done()) return broken("a progress frame does not have its length");
  return p;
}

result<working> decode_working(std::string_view payload) {
  wire::reader in{payload};
  working w;
  w.number = in.integer<std::uint64_t>();
  w.bytes = in.integer<std::uint64_t>();
  if (!in.done()) return broken("a working frame does not have its length");
  return w;
}

result<failure> decode_failure(std::string_view payload) {
  wire::reader in{payload};
  failure f;
  f.number = in.integer<std::uint64_t>();
  f.reason.code = ec_from_string(in.text(max_sentence_bytes));
  f.reason.message = clean_utf8(in.text(max_sentence_bytes));
  if (!in.done() || !is_parser_failure(f.reason.code))
    return broken("a failure frame has no code that an extractor may use");
  std::ranges::replace(f.reason.message, '\n', ' ');
  return f;
}

result<image_request> decode_image_request(std::string_view payload) {
  wire::reader in{payload};
  image_request r;
  r.number = in.integer<std::uint64_t>();
  r.size = in.integer<std::uint64_t>();
  r.source = in.text(max_source_bytes);
  r.languages = in.text(max_languages_bytes);
  if (!in.done()) return broken("an image request cannot be read");
  return r;
}

result<identity> decode_identity(std::string_view payload) {
  wire::reader in{payload};
  identity i;
  i.number = in.integer<std::uint64_t>();
  i.sha256 = in.text(max_sha256_bytes);
  i.size = in.integer<std::uint64_t>();
  i.skipped_pages = in.integer<std::uint32_t>();
  if (!in.done()) {  // the rest is told by those who know it
    i.mime = clean_utf8(in.text(max_mime_bytes));
    i.pages = in.integer<std::uint32_t>();
    i.title = clean_utf8(in.text(max_title_bytes));
  }
  if (!in.done() || !is_sha256(i.sha256)) return broken("an identity cannot be read");
  return i;
}

result<redirect> decode_redirect(std::string_view payload) {
  wire::reader in{payload};
  redirect r;
  r.number = in.integer<std::uint64_t>();
  r.mime = clean_utf8(in.text(max_mime_bytes));
  if (!in.done() || r.mime.empty()) return broken("a redirect cannot be read");
  return r;
}

document_decoder::document_decoder(std::uint64_t number, std::uint64_t max_text_bytes)
    : number_{number}, text_left_{max_text_bytes} {}

result<void> document_decoder::add_elements(std::string_view payload) {
  wire::reader in{payload};
  if (in.integer<std::uint64_t>() != number_)
    return broken("elements of a document that is not due");
  return read_elements(in);
}

result<extracted_document> document_decoder::finish(std::string_view payload) {
  wire::reader in{payload};
  if (in.integer<std::uint64_t>() != number_)
    return broken("a result of a document that is not due");
  if (!read_head(in)) return broken("a result's head cannot be read");
  if (auto read = read_elements(in); !read) return tl::unexpected{read.error()};
  for (auto& e : document_.elements)
    if (!is_clean_utf8(e.text)) e.text = clean_utf8(e.text);
  return std::move(document_);
}

bool document_decoder::read_head(wire::reader& in) {
  document_.mime = clean_utf8(in.text(max_mime_bytes));
  document_.sha256 = in.text(max_sha256_bytes);
  document_.size = in.integer<std::uint64_t>();
  document_.pages = in.integer<std::uint32_t>();
  document_.skipped_pages = in.integer<std::uint32_t>();
  document_.title = clean_utf8(in.text(max_title_bytes));
  const auto warning = in.text(max_sentence_bytes);
  document_.warning = {ec_from_string(warning), clean_utf8(in.text(max_sentence_bytes))};
  const auto properties = in.integer<std::uint16_t>();
  if (properties > max_properties || !(warning.empty() || is_warning(document_.warning.code)))
    return false;
  for (unsigned i = 0; i < properties && in.ok(); ++i) {
    auto name = clean_utf8(in.text(max_property_bytes));
    document_.properties.emplace_back(std::move(name), clean_utf8(in.text(max_property_bytes)));
  }
  const auto links = in.integer<std::uint16_t>();
  for (unsigned i = 0; i < links && in.ok(); ++i) {
    const auto page = in.integer<std::uint32_t>();
    document_.links.push_back({page, clean_utf8(in.text(max_link_bytes))});
  }
  return in.ok() && is_sha256(document_.sha256);
}

result<void> document_decoder::read_elements(wire::reader& in) {
  const auto count = in.integer<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i)
    if (auto read = read_element(in); !read) return read;
  if (!in.done()) return broken("elements do not have the length that their count says");
  return {};
}

result<void> document_decoder::read_element(wire::reader& in) {
  const auto kind = in.integer<std::uint8_t>();
  const auto level = in.integer<std::uint8_t>();
  const auto flags = in.integer<std::uint8_t>();
  const auto page = in.integer<std::uint32_t>();
  const auto text = in.text(max_frame_bytes);
  if (!in.ok() || kind > static_cast<std::uint8_t>(element_kind::page_break) ||
      flags > (has_image | continues))
    return broken("an element cannot be read");
  if (text.size() > text_left_) return broken("a document has more text than it may");
  text_left_ -= text.size();
  if ((flags & continues) != 0) {
    if (document_.elements.empty() || (flags & has_image) != 0)
      return broken("a text continues where none began");
    document_.elements.back().text.append(text);
    return {};
  }
  if (document_.elements.size() == max_elements)
    return broken("a document has more than " + std::to_string(max_elements) + " elements");
  auto& e = document_.elements.emplace_back();
  e.kind = static_cast<element_kind>(kind);
  e.level = level;
  e.page = page;
  e.text = text;
  if ((flags & has_image) == 0) return {};
  e.image.sha256 = in.text(max_sha256_bytes);
  e.image.mime = clean_utf8(in.text(max_mime_bytes));
  e.image.width = in.integer<std::uint32_t>();
  e.image.height = in.integer<std::uint32_t>();
  e.image.size = in.integer<std::uint64_t>();
  e.image.source = clean_utf8(in.text(max_source_bytes));
  if (!in.ok() || (!e.image.sha256.empty() && !is_sha256(e.image.sha256)))
    return broken("an image's description cannot be read");
  return {};
}

}  // namespace millrace::extraction
