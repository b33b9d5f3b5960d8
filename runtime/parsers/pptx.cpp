// PowerPoint presentations (Office Open XML, transitional and strict): each slide is a page. Its
// title comes first, then its shapes, its notes and its comments. Hidden slides are read like
// others.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/parsers/format.hpp"
#include "runtime/parsers/ooxml_drawing.hpp"
#include "runtime/parsers/ooxml_package.hpp"
#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_pptx_slides = 100'000;

/// Depth-first search for a shape of one of these kinds of placeholder, in groups as well. Depth is
/// bounded by the limits of the walk that follows.
pugi::xml_node find_title(const pugi::xml_node& tree) {
  for (const auto node : tree.children())
    if (is_any_of(placeholder_of(node), {"title", "ctrTitle"})) return node;
  return {};
}

class pptx_reader {
 public:
  pptx_reader(const parse_input& in, document_builder& out)
      : in_{in}, out_{out}, package_{in.bytes, in.limits} {}

  void read() {
    package_.add_properties(out_);
    const auto part = package_.main_part("ppt/presentation.xml");
    const auto main = package_.try_read_xml(part);
    if (!main)
      throw parse_failure{ec::malformed_document,
                          "the PowerPoint presentation lacks its list of slides, or it is damaged; "
                          "open it with PowerPoint and save it again"};
    relationships_ = package_.relationships_of(part);
    read_authors();
    const auto slides = slide_parts(main->tree.document_element());
    std::size_t broken = 0;
    for (std::size_t i = 0; i < slides.size(); ++i) {
      const auto number = static_cast<std::uint32_t>(i + 1);
      out_.set_page(number);
      if (!read_slide(slides[i])) {
        ++broken;
        out_.warn(ec::partly_read, "slide " + std::to_string(number) +
                                       " is damaged and was left out; open the presentation with "
                                       "PowerPoint and save it again");
      }
      if (in_.progress) in_.progress(number);
    }
    out_.set_page_count(static_cast<std::uint32_t>(slides.size()));
    package_.warn_of_damage(out_);
    if (broken > 0 && broken == slides.size())
      throw parse_failure{ec::malformed_document,
                          "no slide of the PowerPoint presentation can be read; get a complete "
                          "copy of it, or open it with PowerPoint and save it again"};
  }

 private:
  std::vector<std::string> slide_parts(const pugi::xml_node& presentation) {
    std::vector<std::string> out;
    for (const auto node : child_named(presentation, "sldIdLst").children()) {
      if (local_name(node) != "sldId") continue;
      // Two attributes are called id: the one with a prefix is the relationship.
      for (const auto attribute : node.attributes())
        if (const std::string_view name = attribute.name(); name.ends_with(":id"))
          out.push_back(relationships_.part(attribute.value()));
      if (out.size() > max_pptx_slides)
        throw parse_failure{ec::limit_exceeded, "the presentation has more than " +
                                                    std::to_string(max_pptx_slides) +
                                                    " slides; split it into smaller presentations"};
    }
    return out;
  }

  bool read_slide(const std::string& part) {
    const auto xml = package_.try_read_xml(part);
    if (!xml) return false;
    const auto relationships = package_.relationships_of(part);
    const auto tree = descendant_at(xml->tree.document_element(), {"cSld", "spTree"});
    drawing_walker walker{package_, relationships, in_, out_};
    walker.share_footers(footers_);
    if (const auto title = find_title(tree)) {
      add_title(title, walker);
      walker.leave_out(title);
    }
    walker.walk(tree);
    read_notes(relationships.part_of_kind("notesSlide"));
    read_comments(relationships);
    return true;
  }

  /// The title of a title slide stands over those of the slides that follow.
  void add_title(const pugi::xml_node& shape, drawing_walker& walker) {
    const auto body = child_named(shape, "txBody");
    const std::uint8_t level = placeholder_of(shape) == "ctrTitle" ? 1 : 2;
    out_.add(element_kind::heading, collapse(drawing_text(body)), level);
    walker.add_links(body);
  }

  /// What the speaker says; the page of notes repeats the slide's picture, number and date.
  void read_notes(const std::string& part) {
    const auto xml = package_.try_read_xml(part);
    if (!xml) return;
    const auto relationships = package_.relationships_of(part);
    drawing_walker walker{package_, relationships, in_, out_};
    for (const auto node :
         descendant_at(xml->tree.document_element(), {"cSld", "spTree"}).children())
      if (placeholder_of(node) == "body") walker.add_text(child_named(node, "txBody"), false);
  }

  void read_authors() {
    for (const auto* kind : {"commentAuthors", "authors"}) {
      const auto xml = package_.try_read_xml(relationships_.part_of_kind(kind));
      if (!xml) continue;
      for (const auto node : xml->tree.document_element().children())
        authors_[std::string{attribute_named(node, "id")}] = attribute_named(node, "name");
    }
  }

  void read_comments(const relationship_map& relationships) {
    for (const auto& [id, relation] : relationships) {
      if (relation.kind != "comments") continue;
      const auto xml = package_.try_read_xml(relation.part);
      if (!xml) continue;
      for (const auto node : xml->tree.document_element().children()) add_comment(node);
    }
  }

  /// Comments of PowerPoint 2007 have p:text, newer ones a text body and replies.
  void add_comment(const pugi::xml_node& comment) {
    if (!is_any_of(local_name(comment), {"cm", "reply"})) return;
    const auto body = child_named(comment, "txBody");
    const auto text =
        body ? drawing_text(body) : std::string{child_named(comment, "text").text().get()};
    auto when = attribute_named(comment, "dt");
    if (when.empty()) when = attribute_named(comment, "created");
    if (!trim(text).empty())
      out_.add(
          element_kind::paragraph,
          comment_text(authors_[std::string{attribute_named(comment, "authorId")}], when, text));
    if (local_name(comment) != "cm") return;
    for (const auto reply : child_named(comment, "replyLst").children()) add_comment(reply);
  }

  static std::string comment_text(std::string_view author, std::string_view when,
                                  std::string_view text) {
    std::string out = "Comment";
    if (!author.empty()) out.append(" by ").append(author);
    if (!when.empty()) out.append(", ").append(when.substr(0, when.find('T')));
    return out.append(": ").append(text);
  }

  const parse_input& in_;
  document_builder& out_;
  ooxml_package package_;
  relationship_map relationships_;
  std::set<std::string> footers_;
  std::map<std::string, std::string> authors_;
};

}  // namespace

void parse_pptx(const parse_input& in, document_builder& out) {
  pptx_reader{in, out}.read();
}

}  // namespace millrace::parsers
