#include "runtime/parsers/html_walker.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "runtime/parsers/data_url.hpp"
#include "runtime/parsers/html_table.hpp"
#include "runtime/parsers/html_tree.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

constexpr std::size_t max_image_bytes = 64 << 20;
/// A <main> with less text is there for its layout, and the page's content stands elsewhere.
constexpr std::size_t min_main_bytes = 200;
/// A page with less text beside its menus is a menu itself, and that is what it has to say.
constexpr std::size_t min_page_bytes = 100;
/// Links to the same page in other languages from which a list of them is a language menu.
constexpr std::size_t min_language_links = 5;

GumboTag tag_of(const GumboNode* node) {
  return node->type == GUMBO_NODE_ELEMENT ? node->v.element.tag : GUMBO_TAG_UNKNOWN;
}

/// Never content.
bool is_machinery(GumboTag tag) {
  static constexpr std::array tags{
      GUMBO_TAG_SCRIPT,   GUMBO_TAG_STYLE,         GUMBO_TAG_TEMPLATE, GUMBO_TAG_NOSCRIPT,
      GUMBO_TAG_HEAD,     GUMBO_TAG_SVG,           GUMBO_TAG_IFRAME,   GUMBO_TAG_OBJECT,
      GUMBO_TAG_EMBED,    GUMBO_TAG_CANVAS,        GUMBO_TAG_BUTTON,   GUMBO_TAG_SELECT,
      GUMBO_TAG_TEXTAREA, GUMBO_TAG_DATALIST,      GUMBO_TAG_NAV,      GUMBO_TAG_AUDIO,
      GUMBO_TAG_VIDEO,    GUMBO_TAG_ANNOTATION_XML};
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

/// Elements that start and end a block of text. Unknown and inline elements do not.
bool is_block(GumboTag tag) {
  static constexpr std::array tags{
      GUMBO_TAG_P,          GUMBO_TAG_DIV,        GUMBO_TAG_SECTION,  GUMBO_TAG_ARTICLE,
      GUMBO_TAG_MAIN,       GUMBO_TAG_HEADER,     GUMBO_TAG_FOOTER,   GUMBO_TAG_ASIDE,
      GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_FIGURE,     GUMBO_TAG_ADDRESS,  GUMBO_TAG_DETAILS,
      GUMBO_TAG_SUMMARY,    GUMBO_TAG_FIGCAPTION, GUMBO_TAG_DL,       GUMBO_TAG_DT,
      GUMBO_TAG_DD,         GUMBO_TAG_FORM,       GUMBO_TAG_FIELDSET, GUMBO_TAG_LEGEND,
      GUMBO_TAG_HR,         GUMBO_TAG_CENTER,     GUMBO_TAG_BODY,     GUMBO_TAG_HTML,
      GUMBO_TAG_TABLE,      GUMBO_TAG_TBODY,      GUMBO_TAG_THEAD,    GUMBO_TAG_TFOOT,
      GUMBO_TAG_TR,         GUMBO_TAG_TD,         GUMBO_TAG_TH,       GUMBO_TAG_CAPTION,
      GUMBO_TAG_HGROUP,     GUMBO_TAG_LI};
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

bool has_class(const GumboNode* node, std::string_view name) {
  auto rest = html_attribute(node, "class");
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == name) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool is_hidden(const GumboNode* node) {
  if (node->v.element.attributes.length == 0) return false;
  if (has_html_attribute(node, "hidden") || html_attribute(node, "aria-hidden") == "true")
    return true;
  const auto style = lower_case(html_attribute(node, "style"));
  if (style.empty()) return false;
  const auto hides = [&](const char* with_space, const char* without) {
    return style.find(with_space) != std::string::npos || style.find(without) != std::string::npos;
  };
  return hides("display: none", "display:none") || hides("visibility: hidden", "visibility:hidden");
}

bool is_navigation(const GumboNode* node) {
  if (node->v.element.attributes.length == 0) return false;
  const auto role = html_attribute(node, "role");
  return role == "navigation" || role == "search" || has_class(node, "noprint") ||
         has_class(node, "mw-editsection");
}

int number_attribute(const GumboNode* node, const char* name, int otherwise) {
  const auto text = html_attribute(node, name);
  int value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::min(value, 1'000'000'000);
}

/// The number of an ordered list's first item; 0 for lists that show no such numbers.
int first_number(const GumboNode* list) {
  const auto type = html_attribute(list, "type");
  if (list->v.element.tag != GUMBO_TAG_OL || (!type.empty() && type != "1")) return 0;
  return std::max(number_attribute(list, "start", 1), 1);
}

bool is_menu(const GumboNode* node) {
  const auto role = html_attribute(node, "role");
  return role == "menu" || role == "menubar";
}

/// MathML says the same twice: as markup, and as an annotation in TeX.
bool is_tex_annotation(const GumboNode* node) {
  const auto& tag = node->v.element.original_tag;
  return node->v.element.tag == GUMBO_TAG_UNKNOWN && tag.data != nullptr &&
         std::string_view{tag.data, tag.length}.starts_with("<annotation");
}

/// The first element of this tag, in document order; null where there is none. Iterative.
const GumboNode* find_element(const GumboNode* root, GumboTag tag) {
  std::vector<const GumboNode*> open{root};
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    if (node->type != GUMBO_NODE_ELEMENT) continue;
    if (node->v.element.tag == tag) return node;
    const auto& children = node->v.element.children;
    for (auto i = children.length; i > 0; --i)
      open.push_back(static_cast<const GumboNode*>(children.data[i - 1]));
  }
  return nullptr;
}

/// Text outside of menus; stops counting at `enough`. Iterative.
std::size_t text_beside_menus(const GumboNode* root, std::size_t enough) {
  std::size_t bytes = 0;
  std::vector<const GumboNode*> open{root};
  while (!open.empty() && bytes < enough) {
    const auto* node = open.back();
    open.pop_back();
    if (node->type == GUMBO_NODE_TEXT) bytes += trim(node->v.text.text).size();
    if (node->type != GUMBO_NODE_ELEMENT || is_machinery(node->v.element.tag) || is_menu(node))
      continue;
    const auto& children = node->v.element.children;
    for (auto i = children.length; i > 0; --i)
      open.push_back(static_cast<const GumboNode*>(children.data[i - 1]));
  }
  return bytes;
}

/// A list whose items link to translations of the page (`hreflang`).
bool is_language_menu(const GumboNode* list) {
  std::size_t links = 0;
  const auto& items = list->v.element.children;
  for (unsigned i = 0; i < items.length; ++i) {
    const auto* link = find_element(static_cast<const GumboNode*>(items.data[i]), GUMBO_TAG_A);
    if (link != nullptr && has_html_attribute(link, "hreflang")) ++links;
  }
  return links >= min_language_links;
}

/// Text as it stands, line ends included.
void append_raw_text(std::string& out, const GumboNode* root) {
  std::vector<const GumboNode*> open{root};
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
        node->type == GUMBO_NODE_CDATA) {
      out += node->v.text.text;
    } else if (node->type == GUMBO_NODE_ELEMENT && !is_machinery(node->v.element.tag)) {
      if (node->v.element.tag == GUMBO_TAG_BR) out += '\n';
      const auto& children = node->v.element.children;
      for (auto i = children.length; i > 0; --i)
        open.push_back(static_cast<const GumboNode*>(children.data[i - 1]));
    }
  }
}

}  // namespace

std::string flat_text(const GumboNode* node) {
  std::string out;
  append_raw_text(out, node);
  return collapse(out);
}

void html_walker::walk_page(const GumboNode* root) {
  if (const auto* title = find_element(root, GUMBO_TAG_TITLE)) out_.set_title(flat_text(title));
  read_properties(root);
  reads_menus_ = text_beside_menus(root, min_page_bytes) < min_page_bytes;
  // What stands outside <main> is repeated on every page of a site.
  const auto* main = find_element(root, GUMBO_TAG_MAIN);
  if (main != nullptr && flat_text(main).size() >= min_main_bytes) {
    inside_main_content_ = true;
    walk_piece(main);
    return;
  }
  has_main_content_ = main != nullptr || find_element(root, GUMBO_TAG_ARTICLE) != nullptr;
  walk_piece(root);
}

void html_walker::read_properties(const GumboNode* root) {
  const auto* head = find_element(root, GUMBO_TAG_HEAD);
  if (head == nullptr) return;
  const auto& children = head->v.element.children;
  for (unsigned i = 0; i < children.length; ++i) {
    const auto* node = static_cast<const GumboNode*>(children.data[i]);
    if (tag_of(node) != GUMBO_TAG_META) continue;
    const auto name = lower_case(html_attribute(node, "name"));
    if (name == "author" || name == "description" || name == "keywords")
      out_.add_property(name, html_attribute(node, "content"));
  }
}

void html_walker::walk_chapter(const GumboNode* root) {
  inside_main_content_ = true;
  walk_piece(root);
}

void html_walker::walk_piece(const GumboNode* root) {
  walk(root, 0);
  flush();
}

void html_walker::walk(const GumboNode* node, std::uint32_t depth) {
  if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_CDATA ||
      node->type == GUMBO_NODE_WHITESPACE) {
    append_collapsed(text_, node->v.text.text);
  } else if (node->type == GUMBO_NODE_ELEMENT) {
    if (depth < out_.limits().max_depth)
      walk_element(node, depth + 1);
    else
      append_collapsed(text_, " " + flat_text(node) + " ");
  }
}

void html_walker::walk_children(const GumboNode* node, std::uint32_t depth) {
  const auto& children = node->v.element.children;
  for (unsigned i = 0; i < children.length; ++i)
    walk(static_cast<const GumboNode*>(children.data[i]), depth);
}

void html_walker::walk_element(const GumboNode* node, std::uint32_t depth) {
  if (is_skipped(node)) return;
  const auto tag = node->v.element.tag;
  const bool enters_main = tag == GUMBO_TAG_MAIN || tag == GUMBO_TAG_ARTICLE;
  const bool was_inside = std::exchange(inside_main_content_, inside_main_content_ || enters_main);
  switch (tag) {
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
      walk_heading(node, depth, static_cast<std::uint8_t>(tag - GUMBO_TAG_H1 + 1));
      break;
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
      walk_list(node, depth);
      break;
    case GUMBO_TAG_LI:
      walk_item(node, depth);
      break;
    case GUMBO_TAG_TABLE:
      walk_table(node, depth);
      break;
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_LISTING:
      walk_preformatted(node);
      break;
    case GUMBO_TAG_IMG:
      add_image(node);
      break;
    case GUMBO_TAG_A:
      add_link(node);
      walk_children(node, depth);
      break;
    case GUMBO_TAG_BR:
      while (!text_.empty() && text_.back() == ' ') text_.pop_back();
      if (text_.ends_with('\n'))
        flush();  // Two in a row are how old pages part paragraphs.
      else if (!text_.empty())
        text_.push_back('\n');
      break;
    default:
      if (is_block(tag)) flush();
      walk_children(node, depth);
      if (is_block(tag)) flush();
  }
  inside_main_content_ = was_inside;
}

void html_walker::walk_heading(const GumboNode* node, std::uint32_t depth, std::uint8_t level) {
  flush();
  const auto text = captured(node, depth);
  emit(element_kind::heading, collapse(text), level);
  flush_images();
}

void html_walker::walk_list(const GumboNode* node, std::uint32_t depth) {
  flush();
  if (is_language_menu(node)) return;
  const auto outer = list_level_;
  const auto outer_number = std::exchange(next_number_, first_number(node));
  if (list_level_ < 255) ++list_level_;
  walk_children(node, depth);
  flush();
  list_level_ = outer;
  next_number_ = outer_number;
}

void html_walker::walk_item(const GumboNode* node, std::uint32_t depth) {
  flush();
  item_open_ = true;
  item_number_.clear();
  if (next_number_ > 0) {
    const auto number = std::max(number_attribute(node, "value", next_number_), 1);
    item_number_ = std::to_string(number) + ". ";
    next_number_ = number + 1;
  }
  walk_children(node, depth);
  flush();
  item_open_ = false;
}

void html_walker::walk_preformatted(const GumboNode* node) {
  flush();
  std::string code;
  append_raw_text(code, node);
  while (!code.empty() && is_space(code.back())) code.pop_back();
  emit(element_kind::code, code, 0);
}

void html_walker::walk_table(const GumboNode* node, std::uint32_t depth) {
  flush();
  const auto shape = read_html_table(node);
  if (shape.is_layout) {
    walk_children(node, depth);
    flush();
    return;
  }
  if (shape.caption != nullptr) emit(element_kind::paragraph, flat_text(shape.caption), 0);
  const auto cell_text = [&](const GumboNode* cell) { return captured(cell, depth + 1); };
  const auto rows = html_table_rows(shape, cell_text);
  if (capture_ != nullptr) {
    for (const auto& row : rows)
      for (const auto& cell : row) emit(element_kind::paragraph, cell, 0);
    return;
  }
  emit(element_kind::table, markdown_table(rows), 0);
  flush_images();
}

std::string html_walker::captured(const GumboNode* node, std::uint32_t depth) {
  std::string out;
  auto* const outer = std::exchange(capture_, &out);
  auto outer_text = std::exchange(text_, {});
  walk_children(node, depth);
  flush();
  text_ = std::move(outer_text);
  capture_ = outer;
  return out;
}

void html_walker::add_image(const GumboNode* node) {
  if (!out_.limits().images) return;
  pending_image image{collapse(html_attribute(node, "alt")), {}};
  const auto source = html_attribute(node, "src");
  if (source.size() <= max_image_bytes) {
    if (const auto bytes = decode_data_url(source); bytes && !bytes->empty()) {
      image.info = describe_image(*bytes);
      if (!find_image_) image.info.source = data_url_source(image.info.sha256);
    } else if (find_image_) {
      image.info = find_image_(source);
    }
  }
  if (!image.text.empty() || image.info.size > 0) images_.push_back(std::move(image));
}

void html_walker::add_link(const GumboNode* node) {
  // Links within a site are its navigation; those with a scheme lead out of the document.
  const auto target = trim(html_attribute(node, "href"));
  for (const auto scheme : {"http://", "https://", "mailto:", "ftp://"})
    if (starts_with_ignoring_case(target, scheme)) return out_.add_link(target);
}

bool html_walker::is_skipped(const GumboNode* node) const {
  const auto tag = node->v.element.tag;
  if (is_machinery(tag) || is_hidden(node) || is_navigation(node)) return true;
  if (is_menu(node) && !reads_menus_) return true;
  // A page's own header and footer frame its content; inside an article they belong to it.
  const bool frame = tag == GUMBO_TAG_HEADER || tag == GUMBO_TAG_FOOTER || tag == GUMBO_TAG_ASIDE;
  if (frame && has_main_content_ && !inside_main_content_) return true;
  if (tag == GUMBO_TAG_FOOTER && !inside_main_content_)
    return tag_of(node->parent) == GUMBO_TAG_BODY;
  return is_tex_annotation(node);
}

void html_walker::flush() {
  const auto text = trim(text_);
  if (!text.empty()) {
    if (list_level_ > 0 && item_open_) {
      emit(element_kind::list_item, std::exchange(item_number_, {}).append(text), list_level_);
      item_open_ = false;
    } else {
      emit(element_kind::paragraph, text, 0);
    }
  }
  text_.clear();
  flush_images();
}

void html_walker::emit(element_kind kind, std::string_view text, std::uint8_t level) {
  if (capture_ == nullptr) {
    out_.add(kind, text, level);
    return;
  }
  if (!capture_->empty()) capture_->push_back(' ');
  capture_->append(text);
}

void html_walker::flush_images() {
  if (capture_ != nullptr) return;  // They follow the table or heading that they stand in.
  for (auto& image : std::exchange(images_, {})) out_.add_image(image.text, std::move(image.info));
}

}  // namespace millrace::parsers
