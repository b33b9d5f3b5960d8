#include "runtime/parsers/html_tree.hpp"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdlib>

#include "runtime/parsers/parse_failure.hpp"
#include "runtime/parsers/text_tools.hpp"

namespace millrace::parsers {

namespace {

/// Elements whose end tag authors may leave out, or that have none: they say nothing about nesting.
bool may_stay_open(std::string_view name) {
  static constexpr std::array<std::string_view, 32> names{
      "area",  "base",     "body",   "br",   "col",   "colgroup", "dd",    "dt",
      "embed", "head",     "hr",     "html", "img",   "input",    "li",    "link",
      "meta",  "optgroup", "option", "p",    "param", "rp",       "rt",    "source",
      "tbody", "td",       "tfoot",  "th",   "thead", "tr",       "track", "wbr"};
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

/// The deepest nesting that the page's tags can make, from above, in one pass.
std::size_t deepest_nesting(std::string_view html) {
  std::size_t open = 0;
  std::size_t deepest = 0;
  for (auto at = html.find('<'); at != std::string_view::npos; at = html.find('<', at + 1)) {
    const bool closing = at + 1 < html.size() && html[at + 1] == '/';
    const auto start = at + (closing ? 2 : 1);
    auto end = start;
    while (end < html.size() && end - start < 16 && (is_alpha(html[end]) || is_digit(html[end])))
      ++end;
    if (end == start || may_stay_open(html.substr(start, end - start))) continue;
    if (closing) {
      open -= std::min<std::size_t>(open, 1);
    } else {
      deepest = std::max(deepest, ++open);
    }
  }
  return deepest;
}

[[noreturn]] void fail_too_big(const char* what) {
  throw parse_failure{ec::limit_exceeded, std::string{"the HTML page "} + what +
                                              "; save it again from a browser, or split it"};
}

}  // namespace

/// Every block of the tree, in a doubly linked list in front of the blocks.
struct html_tree::memory {
  struct alignas(std::max_align_t) block {
    block* previous;
    block* next;
    std::size_t size;
  };

  explicit memory(std::size_t bytes) : budget{bytes} { ring.previous = ring.next = &ring; }
  ~memory() {
    for (auto* at = ring.next; at != &ring;) {
      auto* next = at->next;
      std::free(at);
      at = next;
    }
  }
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;

  /// gumbo does not survive a null answer, so a refusal jumps out of it; its frames hold nothing to
  /// be undone.
  static void* allocate(void* self, std::size_t size) {
    auto& m = *static_cast<memory*>(self);
    auto* made = size <= m.budget - m.used ? static_cast<block*>(std::malloc(sizeof(block) + size))
                                           : nullptr;
    if (made == nullptr) std::longjmp(m.refusal, 1);
    m.used += size;
    made->size = size;
    made->previous = &m.ring;
    made->next = m.ring.next;
    made->next->previous = made;
    m.ring.next = made;
    return made + 1;
  }

  static void release(void* self, void* pointer) {
    if (pointer == nullptr) return;
    auto* at = static_cast<block*>(pointer) - 1;
    static_cast<memory*>(self)->used -= at->size;
    at->previous->next = at->next;
    at->next->previous = at->previous;
    std::free(at);
  }

  /// Null where the budget does not suffice. Holds no object with a destructor: it is jumped over.
  GumboOutput* parse(const char* text, std::size_t size) {
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = allocate;
    options.deallocator = release;
    options.userdata = this;
    options.max_errors = 0;
    if (setjmp(refusal) != 0) return nullptr;
    return gumbo_parse_with_options(&options, text, size);
  }

  std::size_t budget;
  std::size_t used = 0;
  block ring{};
  std::jmp_buf refusal{};
};

html_tree::html_tree(std::string_view html) {
  if (deepest_nesting(html) > max_open_tags) fail_too_big("nests its elements too deeply");
  memory_ = std::make_unique<memory>(min_budget + budget_factor * html.size());
  output_ = memory_->parse(html.data(), html.size());
  if (output_ == nullptr) fail_too_big("takes too much memory to read");
}

html_tree::~html_tree() = default;

const GumboNode* html_tree::root() const {
  return output_->root;
}

std::string_view html_attribute(const GumboNode* element, const char* name) {
  const auto* found = gumbo_get_attribute(&element->v.element.attributes, name);
  return found == nullptr ? std::string_view{} : std::string_view{found->value};
}

bool has_html_attribute(const GumboNode* element, const char* name) {
  return gumbo_get_attribute(&element->v.element.attributes, name) != nullptr;
}

}  // namespace millrace::parsers
