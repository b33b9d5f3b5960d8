#include "runtime/parsers/mailbox.hpp"

#include <charconv>
#include <cstdint>
#include <string>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::string_view mailbox_mark = "mbox:";
constexpr std::string_view from_line = "From ";

/// A separator has a time, and a header stands below it; a sentence that starts with "From" has
/// neither.
bool is_separator(std::string_view text) {
  if (!text.starts_with(from_line)) return false;
  const auto line = take_line(text);
  if (line.find(':') == std::string_view::npos || text.empty()) return false;
  const auto header = take_line(text);
  const auto colon = header.find(':');
  return colon != std::string_view::npos && colon > 0 &&
         header.substr(0, colon).find(' ') == std::string_view::npos;
}

/// Where the next message after the first starts.
std::size_t second_message(std::string_view text) {
  constexpr std::string_view line_start = "\nFrom ";
  for (auto at = text.find(line_start); at != std::string_view::npos;
       at = text.find(line_start, at + 1)) {
    const auto before = text.substr(0, at);
    const bool after_blank_line = before.ends_with('\n') || before.ends_with("\n\r");
    if (after_blank_line && is_separator(text.substr(at + 1))) return at + 1;
  }
  return text.size();
}

}  // namespace

bool is_mailbox(std::string_view text) {
  return is_separator(text) && second_message(text) < text.size();
}

std::string_view take_message(std::string_view& rest) {
  const auto end = second_message(rest);
  const auto message = rest.substr(0, end);
  rest.remove_prefix(end);
  return message;
}

void parse_mailbox(const parse_input& in, document_builder& out) {
  std::uint32_t done = 0;
  std::size_t unread = 0;
  std::string why;
  for (auto rest = in.bytes; !rest.empty(); ++done) {
    const auto bytes = take_message(rest);
    const document_builder::inner_document scope{out,
                                                 std::string{mailbox_mark} + std::to_string(done)};
    const document_builder::nested_headings levels{out, 1};
    const progress_callback progress = [&](std::uint32_t) {
      if (in.progress) in.progress(done + 1);
    };
    try {
      parse_eml({.bytes = bytes,
                 .text = {},
                 .limits = in.limits,
                 .progress = progress,
                 .depth = in.depth + 1},
                out);
    } catch (const parse_failure& failure) {
      if (failure.reason().code == ec::limit_exceeded) throw;  // So would all that follow.
      if (unread++ == 0) why = failure.what();
    }
    progress(0);
  }
  if (unread == 0) return;
  out.warn(ec::partly_read, std::to_string(unread) + " of the mailbox's " + std::to_string(done) +
                                " messages were not read; of the first one: " + why);
}

std::string load_mailbox_image(std::string_view bytes, std::string_view source,
                               const parse_limits& limits) {
  const parse_failure no_image{ec::malformed_document,
                               "the mailbox has no image at " + std::string{source}};
  const auto slash = source.find('/');
  if (!source.starts_with(mailbox_mark) || slash == std::string_view::npos) throw no_image;
  std::size_t number = 0;
  const auto digits = source.substr(mailbox_mark.size(), slash - mailbox_mark.size());
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc{}) throw no_image;
  for (auto rest = bytes; !rest.empty(); --number) {
    const auto message = take_message(rest);
    if (number == 0) return load_eml_image(message, source.substr(slash + 1), limits);
  }
  throw no_image;
}

}  // namespace millrace::parsers
