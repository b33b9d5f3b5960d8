// Turns an HTML tree into elements: content, without what only a browser needs (scripts, styles,
// forms), without navigation, and without what is hidden. One tree, one thread.
//
// Recursion ends at parse_limits::max_depth; below it structure is ignored and only text is kept.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gumbo.h>

#include "runtime/parsers/document_builder.hpp"
#include "runtime/parsers/image_header.hpp"

namespace millrace::parsers {

class html_walker {
 public:
  explicit html_walker(document_builder& out) : out_{out} {}

  /// What is known of the image at this `src`; for pages whose images are files beside them.
  /// Without it only images in `data:` URLs are known.
  using image_finder = std::function<image_info(std::string_view source)>;
  void use_images(image_finder finder) { find_image_ = std::move(finder); }

  /// A whole page: the title goes to the document's properties.
  void walk_page(const GumboNode* root);
  /// A page of a book: all of it is content, and its title is not the book's.
  void walk_chapter(const GumboNode* root);
  /// A piece of HTML inside another document.
  void walk_piece(const GumboNode* root);

 private:
  struct pending_image {
    std::string text;
    image_info info;
  };

  void read_properties(const GumboNode* root);
  void walk(const GumboNode* node, std::uint32_t depth);
  void walk_children(const GumboNode* node, std::uint32_t depth);
  void walk_element(const GumboNode* node, std::uint32_t depth);
  void walk_heading(const GumboNode* node, std::uint32_t depth, std::uint8_t level);
  void walk_list(const GumboNode* node, std::uint32_t depth);
  void walk_item(const GumboNode* node, std::uint32_t depth);
  void walk_preformatted(const GumboNode* node);
  void walk_table(const GumboNode* node, std::uint32_t depth);
  std::string captured(const GumboNode* node, std::uint32_t depth);
  void add_image(const GumboNode* node);
  void add_link(const GumboNode* node);
  /// True for what is no content here: navigation, hidden elements, a page's header and footer.
  bool is_skipped(const GumboNode* node) const;
  /// Ends the block that is being collected.
  void flush();
  void emit(element_kind kind, std::string_view text, std::uint8_t level);
  void flush_images();

  document_builder& out_;
  image_finder find_image_;
  std::string text_;  ///< Inline text of the current block, white space collapsed.
  std::string* capture_ =
      nullptr;  ///< Where blocks go as plain text while a cell or heading is read.
  std::vector<pending_image> images_;  ///< Of the current block, in order.
  std::uint8_t list_level_ = 0;
  int next_number_ = 0;            ///< Of the items of an ordered list; 0 in any other.
  std::string item_number_;        ///< "3. " while the item's first block is awaited.
  bool reads_menus_ = false;       ///< The page is nothing but a menu.
  bool item_open_ = false;         ///< The next block is the first of a list item.
  bool has_main_content_ = false;  ///< The page marks its content by <main> or <article>.
  bool inside_main_content_ = false;
};

/// The text of an HTML tree, in one line; cannot recurse.
std::string flat_text(const GumboNode* node);

}  // namespace millrace::parsers
