#include "runtime/parsers/eml_walker.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <new>
#include <utility>

#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::string_view source_mark = "mime:";
/// Names that a warning and the list of attachments hold; a message seldom has more.
constexpr std::size_t max_names_in_warning = 5;
constexpr std::size_t max_names_listed = 200;
/// An attachment's name is a heading of the first level, its own headings stand below that.
constexpr std::uint8_t levels_below_attachment = 2;
constexpr std::uint8_t levels_below_message = 1;

bool is_signature(std::string_view type) {
  return type == "application/pgp-signature" || type == "application/pkcs7-signature" ||
         type == "application/x-pkcs7-signature";
}

/// Has a name of its own, or says that it is no part of the text.
bool is_attachment(GMimeObject* part) {
  if (GMIME_IS_MULTIPART(part) || is_signature(mime_type_of(part))) return false;
  if (has_disposition(part, "attachment")) return true;
  return GMIME_IS_PART(part) && g_mime_part_get_filename(GMIME_PART(part)) != nullptr;
}

std::string shown_name(GMimeObject* part) {
  auto name = name_of(part);
  if (name.empty() && GMIME_IS_MESSAGE_PART(part))
    if (auto* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part)); inner != nullptr)
      name = header_text(inner, "Subject");
  return name.empty() ? "attachment of type " + mime_type_of(part) : name;
}

/// How well a part of multipart/alternative can be read: a page keeps what its plain text loses.
int rank(GMimeObject* part, std::uint32_t depth) {
  if (GMIME_IS_MULTIPART(part) && depth > 0) {
    auto* multipart = GMIME_MULTIPART(part);
    int best = 1;
    for (int i = 0; i < g_mime_multipart_get_count(multipart); ++i)
      best = std::max(best, rank(g_mime_multipart_get_part(multipart, i), depth - 1));
    return best;
  }
  const auto type = mime_type_of(part);
  if (is_attachment(part) && !type.starts_with("text/")) return 0;
  if (type == "text/html") return 3;
  return type == "text/plain" ? 2 : 0;
}

/// The part that others of multipart/related belong to (RFC 2387).
int root_of_related(GMimeMultipart* multipart) {
  const auto* start = g_mime_object_get_content_type_parameter(GMIME_OBJECT(multipart), "start");
  if (start == nullptr) return 0;
  auto wanted = trim(start);
  if (wanted.starts_with("<")) wanted.remove_prefix(1);
  if (wanted.ends_with(">")) wanted.remove_suffix(1);
  for (int i = 0; i < g_mime_multipart_get_count(multipart); ++i) {
    const auto* id = g_mime_object_get_content_id(g_mime_multipart_get_part(multipart, i));
    if (id != nullptr && wanted == id) return i;
  }
  return 0;
}

std::string iso_date(GMimeMessage* message) {
  auto* date = g_mime_message_get_date(message);
  if (date == nullptr) return {};
  char* text = g_date_time_format(date, "%Y-%m-%dT%H:%M:%S%:z");
  if (text == nullptr) return {};
  std::string out{text};
  g_free(text);
  return out;
}

std::string attachment_names(GMimeMessage* message) {
  std::string out;
  std::size_t listed = 0;
  for (auto* part : parts_of(message)) {
    if (!is_attachment(part) || ++listed > max_names_listed) continue;
    out += (out.empty() ? "" : ", ") + shown_name(part);
  }
  return out;
}

}  // namespace

void eml_walker::walk(GMimeMessage* message) {
  auto* root = g_mime_message_get_mime_part(message);
  if (root != nullptr)
    if (const auto what = encryption_of(root); !what.empty())
      throw parse_failure{ec::encrypted_document,
                          "the file is " + std::string{what} +
                              "; decrypt it in the mail program and save it again"};
  for (auto* part : parts_of(message)) numbers_.emplace(part, numbers_.size());
  add_headers(message);
  if (root != nullptr) walk_part(root, 0);
  // Last, though they may stand between parts of the text: what comes after an attachment's heading
  // belongs to the attachment.
  for (auto* part : std::exchange(attached_, {})) {
    if (GMIME_IS_MESSAGE_PART(part))
      add_message(GMIME_MESSAGE_PART(part));
    else
      add_attachment(GMIME_PART(part));
    report_progress();
  }
  warn_of_unread();
}

void eml_walker::add_headers(GMimeMessage* message) {
  const auto subject = header_text(message, "Subject");
  out_.set_title(subject);
  out_.add(element_kind::title, subject, 1);
  const std::array lines{
      std::pair{"From", address_text(message, GMIME_ADDRESS_TYPE_FROM, "From")},
      std::pair{"To", address_text(message, GMIME_ADDRESS_TYPE_TO, "To")},
      std::pair{"Cc", address_text(message, GMIME_ADDRESS_TYPE_CC, "Cc")},
      std::pair{"Bcc", address_text(message, GMIME_ADDRESS_TYPE_BCC, "Bcc")},
      std::pair{"Date", header_text(message, "Date")},
      std::pair{"Attachments", attachment_names(message)},
  };
  std::string text;
  for (const auto& [name, value] : lines)
    if (!value.empty()) text += std::string{text.empty() ? "" : "\n"} + name + ": " + value;
  out_.add(element_kind::paragraph, text);
  out_.add_property("author", lines[0].second);
  out_.add_property("to", lines[1].second);
  out_.add_property("cc", lines[2].second);
  out_.add_property("subject", subject);
  out_.add_property("keywords", header_text(message, "Keywords"));
  out_.add_property("created", iso_date(message));
}

void eml_walker::walk_part(GMimeObject* part, std::uint32_t depth) {
  if (depth >= in_.limits.max_depth) {
    unread_.push_back(shown_name(part) + " (its parts are nested too deep)");
    return;
  }
  if (const auto what = encryption_of(part); !what.empty()) {
    unread_.push_back(shown_name(part) + " (" + std::string{what} + ")");
  } else if (GMIME_IS_MULTIPART(part)) {
    walk_multipart(GMIME_MULTIPART(part), depth + 1);
  } else if (GMIME_IS_MESSAGE_PART(part)) {
    attach(part);
  } else if (GMIME_IS_PART(part)) {
    walk_leaf(GMIME_PART(part));
  }
}

void eml_walker::walk_multipart(GMimeMultipart* multipart, std::uint32_t depth) {
  const auto type = mime_type_of(GMIME_OBJECT(multipart));
  const auto count = g_mime_multipart_get_count(multipart);
  if (count == 0) {
    // The boundary is missing or wrong: all of the body stands before the first part.
    if (const auto* text = g_mime_multipart_get_prologue(multipart); text != nullptr)
      parse_plain_text({.bytes = {},
                        .text = text,
                        .limits = in_.limits,
                        .progress = in_.progress,
                        .depth = in_.depth},
                       out_);
    return;
  }
  if (type == "multipart/alternative") return walk_alternative(multipart, depth);
  if (type == "multipart/related") return walk_related(multipart, depth);
  for (int i = 0; i < count; ++i) walk_part(g_mime_multipart_get_part(multipart, i), depth);
}

void eml_walker::walk_alternative(GMimeMultipart* multipart, std::uint32_t depth) {
  std::vector<GMimeObject*> parts;
  for (int i = g_mime_multipart_get_count(multipart); i > 0; --i)
    parts.push_back(g_mime_multipart_get_part(multipart, i - 1));
  // Later ones are better where they rank the same (RFC 2046, 5.1.4).
  std::stable_sort(parts.begin(), parts.end(), [&](GMimeObject* a, GMimeObject* b) {
    return rank(a, in_.limits.max_depth) > rank(b, in_.limits.max_depth);
  });
  const auto before = out_.element_count();
  for (auto* part : parts) {
    const auto type = mime_type_of(part);
    // A file among the alternatives is no alternative; a page without text is none either.
    const bool is_file = is_attachment(part) && !type.starts_with("text/");
    if (is_file || out_.element_count() == before) walk_part(part, depth);
  }
}

void eml_walker::walk_related(GMimeMultipart* multipart, std::uint32_t depth) {
  const auto root = root_of_related(multipart);
  walk_part(g_mime_multipart_get_part(multipart, root), depth);
  for (int i = 0; i < g_mime_multipart_get_count(multipart); ++i)
    if (i != root) walk_part(g_mime_multipart_get_part(multipart, i), depth);
}

void eml_walker::walk_leaf(GMimePart* part) {
  auto* object = GMIME_OBJECT(part);
  const auto type = mime_type_of(object);
  if (is_signature(type)) return;
  const auto name = shown_name(object);
  if (is_opaque_signature(object)) {
    unread_.push_back(name + " (text inside of an S/MIME signature)");
  } else if (type == "application/ms-tnef" || type == "application/vnd.ms-tnef") {
    unread_.push_back(name + " (Outlook's own format for attachments, TNEF)");
  } else if (is_attachment(object) && !type.starts_with("image/")) {
    attach(object);
  } else if (type.starts_with("image/")) {
    add_image(part);
  } else if (type.starts_with("text/") || type.starts_with("message/")) {
    add_text(part, type);
  } else {
    attach(object);
  }
  report_progress();
}

void eml_walker::add_text(GMimePart* part, std::string_view type) {
  const part_content content{part};
  const auto text = text_of(part, content.view());
  constexpr std::string_view pgp_message = "-----BEGIN PGP MESSAGE-----";
  if (trim(text).starts_with(pgp_message)) {
    if (numbers_.size() == 1)
      throw parse_failure{ec::encrypted_document,
                          "the message's text is encrypted with OpenPGP; decrypt it in the mail "
                          "program and save it again"};
    unread_.push_back("the text (encrypted with OpenPGP)");
    return;
  }
  const parse_input inner{.bytes = content.view(),
                          .text = text,
                          .limits = in_.limits,
                          .progress = in_.progress,
                          .depth = in_.depth};
  if (type != "text/html") return parse_plain_text(inner, out_);
  const document_builder::inner_document scope{out_, source_of(GMIME_OBJECT(part))};
  parse_html(inner, out_);
}

void eml_walker::add_image(GMimePart* part) {
  if (!in_.limits.images) return;
  const part_content content{part};
  if (content.view().empty()) return;
  auto info = describe_image(content.view());
  info.source = source_of(GMIME_OBJECT(part));
  out_.add_image(name_of(GMIME_OBJECT(part)), std::move(info));
}

void eml_walker::attach(GMimeObject* part) {
  if (attached_.size() < max_attachments)
    attached_.push_back(part);
  else
    unread_.push_back(shown_name(part) + " (one of more than " + std::to_string(max_attachments) +
                      " attachments)");
}

void eml_walker::add_attachment(GMimePart* part) {
  const auto name = shown_name(GMIME_OBJECT(part));
  out_.add(element_kind::heading, name, 1);
  try_reading(name, [&](const parse_input& in) {
    const part_content content{part};
    const document_builder::nested_headings levels{out_, levels_below_attachment};
    parse_inner_document(content.view(), source_of(GMIME_OBJECT(part)), in, out_);
  });
}

void eml_walker::add_message(GMimeMessagePart* part) {
  auto* message = g_mime_message_part_get_message(part);
  if (message == nullptr) return;
  const auto name = shown_name(GMIME_OBJECT(part));
  try_reading(name, [&](const parse_input& in) {
    if (in.depth >= in.limits.max_inner_depth)
      throw parse_failure{
          ec::limit_exceeded,
          "messages are nested more than " + std::to_string(in.limits.max_inner_depth) + " deep"};
    if (header_text(message, "Subject").empty()) out_.add(element_kind::heading, name, 1);
    const document_builder::inner_document scope{out_, source_of(GMIME_OBJECT(part))};
    const document_builder::nested_headings levels{out_, levels_below_message};
    const parse_input inner{.bytes = {},
                            .text = {},
                            .limits = in.limits,
                            .progress = in.progress,
                            .depth = in.depth + 1};
    eml_walker{inner, out_}.walk(message);
  });
}

template <class Reader>
void eml_walker::try_reading(const std::string& name, const Reader& read) {
  const progress_callback progress = [&](std::uint32_t done) {
    if (in_.progress) in_.progress(pieces_done_ + done);
  };
  const parse_input in{.bytes = in_.bytes,
                       .text = in_.text,
                       .limits = in_.limits,
                       .progress = progress,
                       .depth = in_.depth};
  try {
    read(in);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& problem) {
    // What to do about it (after the semicolon) is said of a file by itself.
    const std::string_view why{problem.what()};
    unread_.push_back(name + " (" + std::string{why.substr(0, why.find(';'))} + ")");
  }
}

void eml_walker::warn_of_unread() {
  if (unread_.empty()) return;
  std::string names;
  for (std::size_t i = 0; i < std::min(unread_.size(), max_names_in_warning); ++i)
    names += (names.empty() ? "" : "; ") + unread_[i];
  if (unread_.size() > max_names_in_warning)
    names += "; and " + std::to_string(unread_.size() - max_names_in_warning) + " more";
  out_.warn(ec::partly_read, "not all that is attached to the message was read: " + names);
}

std::string eml_walker::source_of(GMimeObject* part) const {
  return std::string{source_mark} + std::to_string(numbers_.at(part));
}

void eml_walker::report_progress() {
  ++pieces_done_;
  if (in_.progress) in_.progress(pieces_done_);
}

GMimeObject* part_at(GMimeMessage* message, std::string_view source) {
  if (!source.starts_with(source_mark)) return nullptr;
  source.remove_prefix(source_mark.size());
  std::size_t number = 0;
  const auto* end = source.data() + source.size();
  const auto [stop, problem] = std::from_chars(source.data(), end, number);
  const auto parts = parts_of(message);
  if (problem != std::errc{} || stop != end || number >= parts.size()) return nullptr;
  return parts[number];
}

}  // namespace millrace::parsers
