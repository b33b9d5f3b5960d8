#include "runtime/parsers/parse.hpp"

#include <exception>
#include <new>

#include "runtime/parsers/detect.hpp"
#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/parse_failure.hpp"

namespace millrace::parsers {

namespace {

/// What libmagic and others call a file without bytes.
constexpr std::string_view empty_mime = "application/x-empty";

[[noreturn]] void refuse(const detection& found, const format* known) {
  if (known != nullptr && known->group == format_group::encrypted)
    throw parse_failure{ec::encrypted_document, "the file is a " + std::string{known->name} +
                                                    "; remove its password and submit it again"};
  if (known != nullptr && known->group == format_group::archive)
    throw parse_failure{
        ec::unsupported_format,
        "the file is a " + std::string{known->name} +
            ", and archives are refused; unpack it and submit the files that it holds"};
  if (known != nullptr && !known->instead.empty())
    throw parse_failure{ec::unsupported_format, std::string{known->name} + " is not read; " +
                                                    std::string{known->instead} +
                                                    " and submit that"};
  if (known != nullptr)
    throw parse_failure{ec::unsupported_format, std::string{known->name} +
                                                    " is not supported yet; convert it to one of " +
                                                    supported_formats()};
  const auto name = found.description.empty() ? std::string{"binary data of an unknown format"}
                                              : found.description + " (" + found.mime + ")";
  throw parse_failure{ec::unsupported_format,
                      name + " is not supported; convert it to one of " + supported_formats()};
}

/// Detects, parses, adds to `out`.
void parse_into(std::string_view bytes, const parse_limits& limits,
                const progress_callback& progress, std::uint32_t depth, document_builder& out) {
  const auto found = detect_format(bytes);
  const auto* known = find_format(found.mime);
  if (known == nullptr || known->parse == nullptr) refuse(found, known);
  out.set_mime(known->mime);
  known->parse({.bytes = bytes,
                .text = found.text.view(),
                .limits = limits,
                .progress = progress,
                .depth = depth},
               out);
}

extracted_document parse_or_throw(std::string_view bytes, const parse_limits& limits,
                                  const page_callback& page_done) {
  document_builder out{limits};
  const progress_callback progress = [&](std::uint32_t pages) {
    if (page_done)
      page_done(
          {pages, out.skipped_pages(), out.elements(), out.mime(), out.page_count(), out.title()});
  };
  out.set_mime(empty_mime);
  if (!bytes.empty()) parse_into(bytes, limits, progress, 0, out);
  auto document = std::move(out).take();
  if (document.elements.empty() && document.warning.code == ec::none)
    document.warning = {ec::empty_document, bytes.empty() ? "the file is empty"
                                                          : "the file holds no text and no images"};
  return document;
}

}  // namespace

result<extracted_document> parse_document(std::string_view bytes, const parse_limits& limits,
                                          const page_callback& page_done) {
  try {
    return parse_or_throw(bytes, limits, page_done);
  } catch (const parse_failure& failure) {
    return tl::unexpected<error>(failure.reason());
  } catch (const std::bad_alloc&) {
    throw;  // The process ends for lack of memory, and its parent says so.
  } catch (const std::exception& problem) {
    return fail(ec::malformed_document, std::string{"the document cannot be read: "} +
                                            problem.what() +
                                            "; open it with its own application and save it again");
  }
}

void parse_inner_document(std::string_view bytes, std::string_view prefix, const parse_input& in,
                          document_builder& out) {
  if (in.depth >= in.limits.max_inner_depth)
    throw parse_failure{ec::limit_exceeded, "documents are nested more than " +
                                                std::to_string(in.limits.max_inner_depth) +
                                                " deep; take the inner ones out"};
  if (bytes.empty()) return;
  const document_builder::inner_document inner{out, prefix};
  parse_into(bytes, in.limits, in.progress, in.depth + 1, out);
}

std::string load_inner_image(std::string_view bytes, std::string_view source,
                             const parse_limits& limits) {
  const auto* known = find_format(detect_format(bytes).mime);
  if (known == nullptr || known->load_image == nullptr)
    throw parse_failure{ec::malformed_document,
                        "the document has no image at " + std::string{source}};
  return known->load_image(bytes, source, limits);
}

result<std::string> load_image(std::string_view bytes, std::string_view source,
                               const parse_limits& limits) {
  try {
    return load_inner_image(bytes, source, limits);
  } catch (const parse_failure& failure) {
    return tl::unexpected<error>(failure.reason());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& problem) {
    return fail(ec::malformed_document, "the image cannot be read: " + std::string{problem.what()});
  }
}

result<std::string> detect_mime(std::string_view bytes) {
  if (bytes.empty()) return std::string{empty_mime};
  try {
    return detect_format(bytes).mime;
  } catch (const parse_failure& failure) {
    return tl::unexpected<error>(failure.reason());
  }
}

}  // namespace millrace::parsers
