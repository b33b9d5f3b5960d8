// Fills chunks up to their limit of tokens, piece by piece, and starts each chunk that continues a
// section with what it repeats: the last sentences, or a table's header row. The workings of
// chunk_document().
//
// One builder a document, one thread. Holds views of the elements it was given until finish().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/chunking/token_estimator.hpp"
#include "runtime/core/document.hpp"

namespace millrace {

struct chunk_limits {
  token_cost max = 0;      ///< Of one chunk.
  token_cost overlap = 0;  ///< Of the sentences that a chunk repeats.
  /// A chunk below this is filled with a part of the next paragraph rather than closed before it.
  token_cost min_fill = 0;
};

class chunk_builder {
 public:
  explicit chunk_builder(chunk_limits limits) : limits_(limits) {}

  /// A heading, and the path of the chunk that it starts. Call finish() first where text went
  /// before.
  void add_heading(const element& heading, std::vector<std::string> path);
  /// Any other element with text.
  void add_block(const element& block);
  /// True where text other than headings is in the section.
  bool has_body() const { return has_body_; }
  /// Closes the section's last chunk; the next one repeats nothing.
  void finish();
  std::vector<chunk> take() { return std::move(chunks_); }

 private:
  /// A part of the chunk that is being filled.
  struct segment {
    std::string_view glue;  ///< What stands before it where it is not first.
    std::string_view text;
    std::uint32_t page = 0;
    bool repeatable = false;  ///< Whole sentences, which the next chunk may repeat.
  };

  void add_pieces(const segment& whole, const std::vector<std::string_view>& pieces);
  void add_table(const segment& whole);
  void add_piece(const segment& piece, std::vector<segment> repeat);
  void add_words(const segment& piece);
  void add_long_word(segment word);
  /// Closes chunks and drops what is repeated until the piece fits; false where it alone is over
  /// the limit.
  bool make_room(const segment& piece, std::vector<segment> repeat);
  void append(const segment& s);
  bool fits(const segment& s) const;
  /// Of the segment's glue and text behind a text that ends with `last`.
  static token_cost cost_after(char last, const segment& s);
  token_cost cost_of(const segment& s) const;
  /// Emits the chunk and starts the next one with `repeat`.
  void cut(std::vector<segment> repeat);
  void emit();
  /// The last whole sentences of the chunk, within limits_.overlap, never all of it.
  std::vector<segment> overlap() const;
  void restart_with(const std::vector<segment>& repeat);

  chunk_limits limits_;
  std::vector<std::string> path_;
  std::vector<segment> segments_;
  std::string text_;          ///< The segments, joined.
  token_cost cost_ = 0;       ///< Of text_.
  std::size_t repeated_ = 0;  ///< How many of the segments the chunk before had too.
  bool has_body_ = false;
  element_kind previous_ = element_kind::paragraph;
  std::vector<chunk> chunks_;
};

}  // namespace millrace
