// Electronic books (EPUB 2 and 3): the container names a package, the package's spine names the
// pieces in reading order, and each piece is a page of HTML.
//
// A piece is no page of the document: how a book is cut into files is its maker's choice, and no
// reader of the book sees these numbers. The headings say where in the book a text stands.
#include <map>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/parsers/charset.hpp"
#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/html_tree.hpp"
#include "runtime/parsers/html_walker.hpp"
#include "runtime/parsers/image_header.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/part_path.hpp"
#include "runtime/parsers/text_tools.hpp"
#include "runtime/parsers/xhtml.hpp"
#include "runtime/parsers/zip_container.hpp"

namespace millrace::parsers {

namespace {

[[noreturn]] void fail_malformed(const char* what) {
  throw parse_failure{ec::malformed_document,
                      std::string{"the electronic book "} + what + "; get a complete copy of it"};
}

class epub_reader {
 public:
  epub_reader(const parse_input& in, document_builder& out)
      : in_{in},
        out_{out},
        zip_{zip_container::open(in.bytes, in.limits.max_unpacked_bytes, in.limits.work)} {}

  void read() {
    const auto package = read_package();
    const auto root = package->tree.document_element();
    read_manifest(child_named(root, "manifest"));
    refuse_encrypted();
    read_metadata(child_named(root, "metadata"));
    read_spine(child_named(root, "spine"));
  }

 private:
  struct item {
    std::string part;
    bool is_page = false;
    bool is_navigation = false;
  };

  std::unique_ptr<xml_part> read_xml(const std::string& name) {
    auto text = zip_.read_if_present(name);
    if (!text) return nullptr;
    auto part = std::make_unique<xml_part>();
    part->buffer = std::move(*text);
    const auto outcome = part->tree.load_buffer_inplace(part->buffer.data(), part->buffer.size());
    if (outcome.status == pugi::status_out_of_memory) throw std::bad_alloc{};
    return outcome ? std::move(part) : nullptr;
  }

  std::unique_ptr<xml_part> read_package() {
    const auto container = read_xml("META-INF/container.xml");
    if (!container) fail_malformed("lacks its META-INF/container.xml");
    const auto files = child_named(container->tree.document_element(), "rootfiles");
    package_part_ = attribute_named(child_named(files, "rootfile"), "full-path");
    auto package = read_xml(package_part_);
    if (!package) fail_malformed("lacks its list of contents, or that list is no well-formed XML");
    return package;
  }

  void read_manifest(const pugi::xml_node& manifest) {
    for (const auto node : manifest.children()) {
      const auto type = attribute_named(node, "media-type");
      const std::string properties = ' ' + std::string{attribute_named(node, "properties")} + ' ';
      items_[std::string{attribute_named(node, "id")}] = {
          .part = resolve_part(package_part_, attribute_named(node, "href")),
          .is_page = type == "application/xhtml+xml" || type == "text/html" ||
                     type == "application/xml" || type == "text/x-oeb1-document",
          .is_navigation = properties.find(" nav ") != std::string::npos};
    }
  }

  /// Fonts are often obfuscated, which protects them and hides no text.
  void refuse_encrypted() {
    const auto encryption = read_xml("META-INF/encryption.xml");
    if (!encryption) return;
    std::set<std::string> encrypted;
    for (const auto node : encryption->tree.document_element().children())
      if (local_name(node) == "EncryptedData")
        encrypted.insert(resolve_part(
            "", attribute_named(child_named(child_named(node, "CipherData"), "CipherReference"),
                                "URI")));
    for (const auto& [id, entry] : items_)
      if (entry.is_page && encrypted.contains(entry.part))
        throw parse_failure{ec::encrypted_document,
                            "the electronic book is protected by digital rights management; get a "
                            "copy without it and submit that"};
  }

  void read_metadata(const pugi::xml_node& metadata) {
    std::string authors;
    std::string subjects;
    bool has_date = false;
    const auto join = [](std::string& list, std::string_view value) {
      (list += list.empty() ? "" : ", ") += value;
    };
    for (const auto node : metadata.children()) {
      const auto name = local_name(node);
      const std::string_view value = node.text().get();
      if (name == "title") out_.set_title(value);
      if (name == "creator") join(authors, value);
      if (name == "subject") join(subjects, value);
      if (name == "language" || name == "publisher" || name == "description")
        out_.add_property(name, value);
      // Of several dates the first is the book's own.
      if (name == "date" && !std::exchange(has_date, true)) out_.add_property("created", value);
    }
    out_.add_property("author", authors);
    out_.add_property("subject", subjects);
  }

  void read_spine(const pugi::xml_node& spine) {
    std::uint32_t done = 0;
    std::uint32_t missing = 0;
    std::set<std::string> seen;
    for (const auto node : spine.children()) {
      const auto at = items_.find(attribute_named(node, "idref"));
      if (at == items_.end() || !at->second.is_page || at->second.is_navigation ||
          !seen.insert(at->second.part).second)
        continue;
      if (!read_piece(at->second.part)) ++missing;
      if (in_.progress) in_.progress(++done);
    }
    if (missing > 0 && missing == seen.size()) fail_malformed("lacks all of its text");
    if (missing > 0)
      out_.warn(ec::partly_read, std::to_string(missing) + " of " + std::to_string(seen.size()) +
                                     " parts of the electronic book are missing or damaged; get "
                                     "a complete copy of it");
  }

  bool read_piece(const std::string& part) {
    std::optional<decoded_text> text;
    try {
      const auto bytes = zip_.read_if_present(part);
      if (bytes) text = decode_text(*bytes);
      if (!text) return false;
      const auto html = expand_empty_tags(text->view());
      const html_tree tree{html};
      html_walker walker{out_};
      walker.use_images([&](std::string_view source) { return image(part, source); });
      walker.walk_chapter(tree.root());
    } catch (const parse_failure& problem) {
      if (problem.reason().code != ec::malformed_document) throw;
      return false;  // One part that cannot be unpacked; the others may be whole.
    }
    return true;
  }

  image_info image(const std::string& piece, std::string_view source) {
    const auto part = resolve_part(piece, source);
    if (const auto known = images_.find(part); known != images_.end()) return known->second;
    image_info info;
    if (const auto bytes = zip_.read_if_present(part); bytes && !bytes->empty()) {
      info = describe_image(*bytes);
      info.source = zip_part_source(part);
    }
    return images_.emplace(part, std::move(info)).first->second;
  }

  const parse_input& in_;
  document_builder& out_;
  zip_container zip_;
  std::string package_part_;
  std::map<std::string, item, std::less<>> items_;  ///< By identifier.
  std::map<std::string, image_info> images_;        ///< By part name.
};

}  // namespace

void parse_epub(const parse_input& in, document_builder& out) {
  epub_reader{in, out}.read();
}

}  // namespace millrace::parsers
