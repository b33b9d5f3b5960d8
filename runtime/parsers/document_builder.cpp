#include "runtime/parsers/document_builder.hpp"

#include <algorithm>
#include <utility>

#include "runtime/core/utf8.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Titles come from properties that may hold anything; a longer one is cut.
constexpr std::size_t max_title_bytes = 1000;
/// Of a property's value and of a link; longer ones are cut, or left out.
constexpr std::size_t max_property_bytes = 4000;
constexpr std::size_t max_link_bytes = 4000;
constexpr std::size_t max_source_bytes = 1024;
/// Work counted per element, in addition to its text.
constexpr std::uint64_t element_work_bytes = 64;

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

/// A search for two words does not find them with a no-break space between.
void replace_no_break_spaces(std::string& text) {
  for (auto at = text.find("\u00A0"); at != std::string::npos; at = text.find("\u00A0", at))
    text.replace(at, 2, " ");
}

/// Valid UTF-8 without control characters but tab and line feed, trimmed.
std::string printable(std::string_view text) {
  auto clean = clean_utf8(trim(text));
  replace_no_break_spaces(clean);
  std::replace_if(clean.begin(), clean.end(), is_control, ' ');
  const auto trimmed = trim(clean);  // what was replaced may stand at an end
  return trimmed.size() == clean.size() ? std::move(clean) : std::string{trimmed};
}

}  // namespace

void document_builder::add(element_kind kind, std::string_view text, std::uint8_t level) {
  auto clean = printable(text);
  if (clean.empty()) return;
  if (heading_levels_ > 0 && (kind == element_kind::title || kind == element_kind::heading)) {
    const auto own = kind == element_kind::title ? 0U : std::max<std::uint32_t>(level, 1);
    level =
        static_cast<std::uint8_t>(std::min<std::uint32_t>(own + heading_levels_, deepest_heading));
    kind = element_kind::heading;
  }
  append({.kind = kind, .level = level, .page = page_, .text = std::move(clean), .image = {}});
}

void document_builder::add_image(std::string_view alternative_text, image_info info) {
  auto clean = printable(alternative_text);
  if (clean.empty() && info.sha256.empty()) return;
  if (!info.source.empty()) info.source.insert(0, source_prefix_);
  if (info.source.size() > max_source_bytes) info.source.clear();
  append({.kind = element_kind::image,
          .level = 0,
          .page = page_,
          .text = std::move(clean),
          .image = std::move(info)});
}

void document_builder::set_title(std::string_view title) {
  if (document_.title.empty() && depth_ == 0)
    document_.title = utf8_prefix(collapse(printable(title)), max_title_bytes);
}

void document_builder::add_property(std::string_view name, std::string_view value) {
  const auto whole = collapse(printable(value));
  const auto clean = utf8_prefix(whole, max_property_bytes);
  if (clean.empty() || depth_ > 0 || document_.properties.size() == max_properties) return;
  document_.properties.emplace_back(name, clean);
}

void document_builder::add_link(std::string_view target) {
  auto clean = collapse(printable(target));
  if (clean.empty() || clean.size() > max_link_bytes || document_.links.size() == max_links) return;
  document_.links.push_back({page_, std::move(clean)});
}

void document_builder::warn(ec code, std::string sentence) {
  if (document_.warning.code == ec::none) document_.warning = {code, std::move(sentence)};
}

document_builder::inner_document::inner_document(document_builder& out, std::string_view prefix)
    : out_{out}, outer_prefix_{out.source_prefix_}, outer_page_{out.page_} {
  out_.source_prefix_ += std::string{prefix} + '/';
  ++out_.depth_;
}

document_builder::inner_document::~inner_document() {
  out_.source_prefix_ = std::move(outer_prefix_);
  out_.page_ = outer_page_;
  --out_.depth_;
}

void document_builder::append(element e) {
  text_bytes_ += e.text.size();
  if (text_bytes_ > limits_.max_text_bytes)
    throw parse_failure{ec::limit_exceeded, "the document holds more than " +
                                                std::to_string(limits_.max_text_bytes >> 20) +
                                                " MiB of text; split it into smaller documents"};
  if (document_.elements.size() >= limits_.max_elements)
    throw parse_failure{ec::limit_exceeded,
                        "the document has more than " + std::to_string(limits_.max_elements) +
                            " paragraphs and other elements; split it into smaller documents"};
  limits_.worked(e.text.size() + element_work_bytes);
  document_.elements.push_back(std::move(e));
}

}  // namespace millrace::parsers
