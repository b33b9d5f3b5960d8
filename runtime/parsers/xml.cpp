// XML: feeds (RSS, Atom), prose (DocBook, JATS, TEI, ...), and data of any other vocabulary.
// pugixml neither reads DTDs nor expands the entities that they define, so there are no entity
// bombs.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/parsers/data_tree.hpp"
#include "runtime/parsers/data_writer.hpp"
#include "runtime/parsers/docx_package.hpp"
#include "runtime/parsers/format.hpp"
#include "runtime/parsers/html_tree.hpp"
#include "runtime/parsers/html_walker.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/xml_document_walker.hpp"
#include "runtime/parsers/xml_text.hpp"

namespace millrace::parsers {

namespace {

// --- Feeds -------------------------------------------------------------------------------------

bool is_feed_item(const pugi::xml_node& node) {
  return local_name(node) == "item" || local_name(node) == "entry";
}

bool is_feed(const pugi::xml_node& root) {
  const auto name = local_name(root);
  return name == "rss" || name == "feed" || name == "RDF";
}

/// The text of an entry is a piece of HTML that is written as text.
void add_feed_text(const pugi::xml_node& node, document_builder& out) {
  const auto text = raw_xml_text(node);
  if (text.find('<') == std::string::npos || text.find('>') == std::string::npos)
    return out.add(element_kind::paragraph, collapse(text));
  const html_tree page{text};
  html_walker{out}.walk_piece(page.root());
}

void add_feed_link(const pugi::xml_node& node, document_builder& out) {
  const auto target = attribute_named(node, "href");
  out.add_link(target.empty() ? std::string_view{node.child_value()} : target);
}

/// Title, dates and names, then the text, of a feed or of one of its items.
void add_feed_part(const pugi::xml_node& part, element_kind title_kind, document_builder& out) {
  const auto title = xml_text(child_named(part, "title"));
  out.add(title_kind, title, 1);
  if (title_kind == element_kind::title) out.set_title(title);
  if (!has_child_elements(part)) return out.add(element_kind::paragraph, xml_text(part));
  std::string lines;
  std::vector<pugi::xml_node> texts;
  for (const auto& child : part.children()) {
    const auto name = local_name(child);
    if (child.type() != pugi::node_element || name == "title" || is_feed_item(child)) continue;
    if (name == "link") {
      add_feed_link(child, out);
    } else if (name == "description" || name == "summary" || name == "content" ||
               name == "encoded" || name == "subtitle") {
      texts.push_back(child);
    } else if (const auto value = xml_text(child); !value.empty()) {
      lines += (lines.empty() ? "" : "\n") + std::string{name} + ": " + value;
    }
  }
  out.add(element_kind::paragraph, lines);
  for (const auto& text : texts) add_feed_text(text, out);
}

void add_feed(const pugi::xml_node& root, document_builder& out) {
  const auto channel = child_named(root, "channel");
  add_feed_part(channel ? channel : root, element_kind::title, out);
  for (const auto& parent : {channel, root})
    for (const auto& child : parent.children())
      if (is_feed_item(child)) add_feed_part(child, element_kind::heading, out);
}

// --- Data --------------------------------------------------------------------------------------

/// Names of namespaces and of schemas say nothing.
bool is_machinery(const pugi::xml_attribute& attribute) {
  const std::string_view name{attribute.name()};
  return name.starts_with("xmlns") || name.starts_with("xsi:");
}

/// Elements become members of objects, those of one name the elements of an array. Iterative.
class tree_maker {
 public:
  explicit tree_maker(data_tree& tree) : tree_{tree} {}

  void make(const pugi::xml_node& root) {
    open_.emplace_back(root, tree_.add(data_tree::no_parent, data_kind::scalar, {}));
    while (!open_.empty()) {
      const auto [element, number] = open_.back();
      open_.pop_back();
      fill(element, number);
    }
  }

 private:
  void fill(const pugi::xml_node& element, std::uint32_t number) {
    const bool is_leaf = !has_child_elements(element) || has_own_text(element);
    std::string_view text;
    if (is_leaf) text = tree_.keep(xml_text(element));
    bool has_attributes = false;
    for (const auto& attribute : element.attributes())
      has_attributes = has_attributes || !is_machinery(attribute);
    if (is_leaf && !has_attributes) return tree_.set_text(number, text);
    tree_.set_kind(number, data_kind::object);
    if (!text.empty()) tree_.add(number, data_kind::scalar, {}, text);
    for (const auto& attribute : element.attributes())
      if (!is_machinery(attribute))
        tree_.add(number, data_kind::scalar, attribute.name(), attribute.value());
    if (!is_leaf) add_children(element, number);
  }

  void add_children(const pugi::xml_node& element, std::uint32_t number) {
    std::map<std::string_view, std::uint32_t> counts;
    for (const auto& child : element.children())
      if (child.type() == pugi::node_element) ++counts[local_name(child)];
    std::map<std::string_view, std::uint32_t> arrays;
    for (const auto& child : element.children()) {
      if (child.type() != pugi::node_element) continue;
      const auto name = local_name(child);
      if (counts[name] == 1) {
        open_.emplace_back(child, tree_.add(number, data_kind::scalar, name));
        continue;
      }
      auto [array, is_new] = arrays.emplace(name, 0);
      if (is_new) array->second = tree_.add(number, data_kind::array, name);
      open_.emplace_back(child, tree_.add(array->second, data_kind::scalar, {}));
    }
  }

  data_tree& tree_;
  std::vector<std::pair<pugi::xml_node, std::uint32_t>> open_;
};

}  // namespace

void parse_xml(const parse_input& in, document_builder& out) {
  std::string buffer{in.text};
  pugi::xml_document document;
  // The text is UTF-8 by now, whatever its declaration says. White space stays: between inline
  // elements it parts words.
  const auto result = document.load_buffer_inplace(buffer.data(), buffer.size(),
                                                   pugi::parse_default | pugi::parse_ws_pcdata,
                                                   pugi::encoding_utf8);
  const auto root = document.document_element();
  if (!root)
    throw parse_failure{
        ec::malformed_document,
        "the XML cannot be read: " + std::string{result.description()} + "; get a complete copy"};
  if (is_feed(root)) {
    add_feed(root, out);
  } else if (is_xml_prose(root)) {
    xml_document_walker{out}.walk_document(root);
  } else {
    data_tree tree;
    tree_maker{tree}.make(root);
    data_writer{tree, out}.write_document(local_name(root));
  }
  if (!result)
    out.warn(ec::partly_read, "the XML is damaged or cut off at byte " +
                                  std::to_string(result.offset) + "; what stands before was read");
}

}  // namespace millrace::parsers
