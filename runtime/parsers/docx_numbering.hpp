// The numbers that Word shows before paragraphs of numbered lists and headings: "2.", "b)",
// "1.3.2". They are nowhere in the text; they follow from numbering.xml and from the paragraphs
// before. One document, one thread; paragraphs must come in the document's order.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "runtime/parsers/list_numbers.hpp"

namespace millrace::parsers {

/// A paragraph's place in a list.
struct list_place {
  std::string list;       ///< w:numId
  std::size_t level = 0;  ///< 0 is the outermost, at most 8.
};

class docx_numbering {
 public:
  static constexpr std::size_t levels = 9;
  /// Labels are a few characters; what a hostile one says beyond this is cut.
  static constexpr std::size_t max_label_bytes = 100;

  /// `numbering` is the root of word/numbering.xml, or a null node.
  explicit docx_numbering(const pugi::xml_node& numbering);

  /// The label of the next paragraph at `place`; empty for bullets and lists that are not known.
  std::string next(const list_place& place);

 private:
  struct level_format {
    std::string text;  ///< "%1.%2", each %N the number of level N.
    std::optional<number_style> style = number_style::decimal;  ///< None: a bullet, or no number.
    int start = 1;
    bool is_legal = false;  ///< All numbers in it are decimal.
  };
  using level_table = std::array<level_format, levels>;
  struct list {
    std::string abstract;  ///< Lists with the same one continue each other.
    level_table shown;
    std::array<std::optional<int>, levels> restart_at;  ///< Taken at the list's first paragraph.
  };
  using counters = std::array<std::optional<int>, levels>;

  static void read_levels(const pugi::xml_node& parent, level_table& into);
  static std::string label(const list& of, const counters& at, std::size_t level);

  std::map<std::string, list, std::less<>> lists_;
  std::map<std::string, counters, std::less<>> counters_;  ///< By abstract list.
};

}  // namespace millrace::parsers
