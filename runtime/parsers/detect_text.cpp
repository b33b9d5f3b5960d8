#include "runtime/parsers/detect_text.hpp"

#include <algorithm>
#include <array>

#include "runtime/parsers/csv_dialect.hpp"
#include "runtime/parsers/json_stream.hpp"
#include "runtime/parsers/mailbox.hpp"
#include "runtime/parsers/markdown_signs.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t text_sample_bytes = 64 * 1024;
/// Lines of JSON that must be whole values for a text to be JSON Lines.
constexpr std::size_t json_lines_checked = 5;

bool is_json(std::string_view text) {
  view_stream stream{text};
  rapidjson::BaseReaderHandler<> ignore;
  rapidjson::Reader reader;
  return !reader.Parse<json_flags>(stream, ignore).IsError();
}

/// Two of the first lines are whole values; one may be broken, or cut off by the end of the file.
bool is_json_lines(std::string_view text) {
  std::size_t values = 0;
  std::size_t broken = 0;
  while (!text.empty() && values + broken < json_lines_checked && broken < 2) {
    const auto line = trim(take_line(text));
    if (line.empty()) continue;
    if (line[0] != '{' && line[0] != '[') return false;
    ++(is_json(line) ? values : broken);
    if (values == 0) return false;
  }
  return values >= 2 && broken < 2;
}

/// Empty where text that starts with a brace or bracket is not JSON.
std::string_view json_format(std::string_view text) {
  const auto body = trim(text);
  if (body.empty() || (body[0] != '{' && body[0] != '[')) return {};
  // The last character settles it for most text without reading all of it.
  const bool closed = body.back() == '}' || body.back() == ']';
  if (closed && is_json(body)) return "application/json";
  return is_json_lines(body) ? "application/x-ndjson" : std::string_view{};
}

/// Tags with which a page, or a piece of one, starts.
bool starts_with_html_tag(std::string_view body) {
  static constexpr std::array<std::string_view, 25> tags{
      "a",   "article", "b",    "blockquote", "body",  "center", "div", "font", "form",
      "h1",  "h2",      "h3",   "head",       "hr",    "html",   "ol",  "main", "p",
      "pre", "section", "span", "style",      "table", "title",  "ul"};
  if (body.size() < 3 || body[0] != '<') return false;
  const auto end = body.find_first_of(" >\t\r\n/", 1);
  if (end == std::string_view::npos) return false;
  const auto name = body.substr(1, end - 1);
  return std::any_of(tags.begin(), tags.end(),
                     [&](std::string_view tag) { return equals_ignoring_case(tag, name); });
}

/// Empty where text that starts with `<` is neither.
std::string_view markup_format(std::string_view sample) {
  const auto body = trim(sample);
  if (body.empty() || body[0] != '<') return {};
  const bool page = contains_ignoring_case(body.substr(0, 4096), "<!doctype html") ||
                    contains_ignoring_case(body, "<html") || contains_ignoring_case(body, "<body");
  if (page) return "text/html";
  if (body.starts_with("<?xml") || body.starts_with("<!DOCTYPE")) return "application/xml";
  const bool piece = starts_with_html_tag(body) ||
                     (body.starts_with("<!--") && body.find("</") != std::string_view::npos);
  if (piece) return has_markdown_signs(sample) ? "text/markdown" : "text/html";
  // <name ...> ... </name>
  const auto name = body.substr(1, body.find_first_of(" >\t\r\n/", 1) - 1);
  const bool closed = !name.empty() && is_alpha(name[0]) && body.back() == '>';
  return closed && body.find("</" + std::string{name}) != std::string_view::npos
             ? "application/xml"
             : std::string_view{};
}

/// A mail starts with header lines, at least three of them of the well-known ones (RFC 5322); two
/// are enough where one says who sent it.
bool is_mail(std::string_view sample) {
  static constexpr std::array<std::string_view, 13> headers{
      "from:",       "to:",           "subject:",  "date:",        "received:",
      "message-id:", "mime-version:", "reply-to:", "return-path:", "delivered-to:",
      "x-mailer:",   "content-type:", "cc:"};
  std::size_t known = 0;
  bool has_sender = false;
  auto first = true;
  while (!sample.empty()) {
    const auto line = take_line(sample);
    if (line.empty() && first) continue;  // Blank lines before the headers: cut out of a mailbox.
    if (line.empty()) break;
    const bool continued = !first && (line[0] == ' ' || line[0] == '\t');
    const bool envelope = first && line.starts_with("From ");
    first = false;
    if (continued || envelope) continue;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos ||
        line.substr(0, colon).find(' ') != std::string_view::npos)
      return known >= 3;  // The blank line that ends the headers is missing.
    has_sender = has_sender || starts_with_ignoring_case(line, "from:");
    if (std::any_of(headers.begin(), headers.end(), [&](std::string_view header) {
          return starts_with_ignoring_case(line, header);
        }))
      ++known;
  }
  return known >= 3 || (known == 2 && has_sender);
}

/// Directives (".. note::"), labels and roles are reStructuredText's own.
bool is_restructured_text(std::string_view sample) {
  std::size_t signs = 0;
  std::size_t underlines = 0;
  while (!sample.empty()) {
    const auto line = trim(take_line(sample));
    if (line.starts_with(".. ") &&
        (line.find("::") != std::string_view::npos || line.starts_with(".. _")))
      ++signs;
    if (line.find(">`_") != std::string_view::npos || line.find(":ref:`") != std::string_view::npos)
      ++signs;
    if (line.size() >= 3 && std::string_view{"=-~^*#"}.find(line[0]) != std::string_view::npos &&
        line.find_first_not_of(line[0]) == std::string_view::npos)
      ++underlines;
  }
  return signs > 0 && signs + underlines >= 2;
}

}  // namespace

std::string_view detect_text_format(std::string_view text) {
  const auto sample = utf8_prefix(text, text_sample_bytes);
  if (trim(sample).empty()) return "text/plain";
  if (const auto json = json_format(text); !json.empty()) return json;
  if (const auto markup = markup_format(sample); !markup.empty()) return markup;
  if (is_mail(sample)) return is_mailbox(text) ? "application/mbox" : "message/rfc822";
  if (sniff_delimiter(text)) return "text/csv";
  if (sample.find("..") != std::string_view::npos || sample.find("`_") != std::string_view::npos)
    if (is_restructured_text(sample)) return "text/x-rst";
  return has_markdown_signs(sample) ? "text/markdown" : "text/plain";
}

}  // namespace millrace::parsers
