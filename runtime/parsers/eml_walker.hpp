// Turns a message into elements: its headers, its body, and what is attached to it as further
// documents under headings of their own. One message, one thread.
//
// Bounds: parse_limits::max_depth for parts in parts, max_inner_depth for messages and documents in
// the message, max_attachments. What is over them, and an attachment that cannot be read, is named
// in a warning; the message itself is never lost by it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/mime_message.hpp"

namespace millrace::parsers {

class eml_walker {
 public:
  static constexpr std::size_t max_attachments = 1000;

  eml_walker(const parse_input& in, document_builder& out) : in_{in}, out_{out} {}

  /// Throws encrypted_document where all of the message is encrypted.
  void walk(GMimeMessage* message);

 private:
  void add_headers(GMimeMessage* message);
  void walk_part(GMimeObject* part, std::uint32_t depth);
  void walk_multipart(GMimeMultipart* multipart, std::uint32_t depth);
  void walk_alternative(GMimeMultipart* multipart, std::uint32_t depth);
  void walk_related(GMimeMultipart* multipart, std::uint32_t depth);
  void walk_leaf(GMimePart* part);
  void add_text(GMimePart* part, std::string_view type);
  void add_image(GMimePart* part);
  void attach(GMimeObject* part);
  void add_attachment(GMimePart* part);
  void add_message(GMimeMessagePart* part);
  /// Reads `read` as a document in this one; a failure is kept for the warning.
  template <class Reader>
  void try_reading(const std::string& name, const Reader& read);
  void warn_of_unread();
  std::string source_of(GMimeObject* part) const;
  void report_progress();

  const parse_input& in_;
  document_builder& out_;
  std::map<GMimeObject*, std::size_t> numbers_;  ///< By parts_of().
  std::vector<std::string> unread_;              ///< "NAME (why)", in order.
  std::vector<GMimeObject*> attached_;           ///< Files and messages, to be read after the text.
  std::uint32_t pieces_done_ = 0;
};

/// The part that `source` names ("mime:3"), null where the message has none.
GMimeObject* part_at(GMimeMessage* message, std::string_view source);

}  // namespace millrace::parsers
