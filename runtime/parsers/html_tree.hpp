// An HTML page parsed by gumbo, with what gumbo lacks: bounds. One document, one thread.
//
// gumbo recurses over the tree when it frees one and takes as much memory as a page makes it, so
// the tree's memory is counted here, refused over a budget, and freed piece by piece without a
// walk.
#pragma once

#include <memory>
#include <string_view>

#include <gumbo.h>

namespace millrace::parsers {

class html_tree {
 public:
  /// A tree takes up to this many bytes for each byte of the page, and min_budget for the smallest;
  /// real pages take about 10.
  static constexpr std::size_t budget_factor = 60;
  static constexpr std::size_t min_budget = 16 << 20;
  /// gumbo looks through the open elements at every tag, so its time grows with their number.
  static constexpr std::size_t max_open_tags = 4096;

  /// `html` is UTF-8 and lives as long as the tree. Throws limit_exceeded for pages over the
  /// bounds.
  explicit html_tree(std::string_view html);
  ~html_tree();
  html_tree(const html_tree&) = delete;
  html_tree& operator=(const html_tree&) = delete;

  /// The <html> element; never null.
  const GumboNode* root() const;

 private:
  struct memory;
  std::unique_ptr<memory> memory_;
  GumboOutput* output_ = nullptr;
};

/// The attribute's value, empty where the element lacks it.
std::string_view html_attribute(const GumboNode* element, const char* name);
bool has_html_attribute(const GumboNode* element, const char* name);

}  // namespace millrace::parsers
