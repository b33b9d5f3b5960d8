#include "runtime/chunking/chunk_builder.hpp"

#include <algorithm>
#include <utility>

#include "runtime/chunking/text_pieces.hpp"

namespace millrace {

namespace {

constexpr std::string_view between_blocks = "\n\n";
constexpr std::string_view between_list_items = "\n";

bool is_prose(element_kind kind) {
  return kind != element_kind::table && kind != element_kind::code;
}

/// What lies between two views of one text.
std::string_view between(std::string_view first, std::string_view second) {
  const char* begin = first.data() + first.size();
  return {begin, static_cast<std::size_t>(second.data() - begin)};
}

/// The text from the start of one view to the end of another, of the same text.
std::string_view span(std::string_view first, std::string_view last) {
  return {first.data(), static_cast<std::size_t>(last.data() + last.size() - first.data())};
}

/// "|---|:--:|": the line of a Markdown table under its header.
bool is_rule(std::string_view line) {
  return line.find('-') != std::string_view::npos &&
         line.find_first_not_of("|-: \t") == std::string_view::npos;
}

}  // namespace

void chunk_builder::add_heading(const element& heading, std::vector<std::string> path) {
  path_ = std::move(path);
  add_piece({between_blocks, heading.text, heading.page, false}, {});
  previous_ = element_kind::heading;
}

void chunk_builder::add_block(const element& block) {
  const bool list_goes_on =
      previous_ == element_kind::list_item && block.kind == element_kind::list_item;
  const segment whole{list_goes_on ? between_list_items : between_blocks, block.text, block.page,
                      is_prose(block.kind)};
  previous_ = block.kind;
  has_body_ = true;
  if (fits(whole)) return append(whole);
  if (estimate_cost(whole.text) <= limits_.max && cost_ >= limits_.min_fill)
    return add_piece(whole, overlap());
  if (block.kind == element_kind::table) return add_table(whole);
  add_pieces(whole, block.kind == element_kind::code ? split_lines(whole.text)
                                                     : split_sentences(whole.text));
}

void chunk_builder::finish() {
  emit();
  restart_with({});
  has_body_ = false;
}

void chunk_builder::add_pieces(const segment& whole, const std::vector<std::string_view>& pieces) {
  std::string_view before;
  for (const auto text : pieces) {
    const auto glue = before.empty() ? whole.glue : between(before, text);
    const segment piece{glue, text, whole.page, whole.repeatable};
    before = text;
    if (fits(piece))
      append(piece);
    else
      add_piece(piece, whole.repeatable ? overlap() : std::vector<segment>{});
  }
}

void chunk_builder::add_table(const segment& whole) {
  auto rows = split_lines(whole.text);
  const bool has_rule = rows.size() > 1 && is_rule(rows[1]);
  const std::size_t header_rows = has_rule ? 2 : 1;
  const segment header{whole.glue, span(rows.front(), rows[header_rows - 1]), whole.page, false};
  if (rows.size() == header_rows) return add_pieces(whole, rows);

  // The header and the first row stay together, so that no chunk ends with a header of nothing.
  const segment first{whole.glue, span(rows.front(), rows[header_rows]), whole.page, false};
  std::size_t next = 0;
  if (estimate_cost(first.text) <= limits_.max) {
    add_piece(first, overlap());
    next = header_rows + 1;
  }
  // A header of more than half a chunk would leave too little room for rows.
  const bool repeat_header = estimate_cost(header.text) <= limits_.max / 2;
  for (; next < rows.size(); ++next) {
    const auto glue = next == 0 ? whole.glue : between(rows[next - 1], rows[next]);
    const bool below_header = repeat_header && next >= header_rows;
    add_piece({glue, rows[next], whole.page, false},
              below_header ? std::vector<segment>{header} : std::vector<segment>{});
  }
}

void chunk_builder::add_piece(const segment& piece, std::vector<segment> repeat) {
  if (fits(piece) || estimate_cost(piece.text) <= limits_.max) {
    make_room(piece, std::move(repeat));
    return append(piece);
  }
  add_words(piece);
}

void chunk_builder::add_words(const segment& piece) {
  std::string_view before;
  for (const auto text : split_words(piece.text)) {
    const auto glue = before.empty() ? piece.glue : between(before, text);
    const segment word{glue, text, piece.page, false};
    before = text;
    if (make_room(word, {}))
      append(word);
    else
      add_long_word(word);
  }
}

void chunk_builder::add_long_word(segment word) {
  while (!word.text.empty()) {
    const auto prefix = longest_prefix(word.text, ' ', limits_.max);
    const segment part{word.glue, prefix, word.page, false};
    make_room(part, {});
    append(part);
    word.text.remove_prefix(prefix.size());
    word.glue = {};
  }
}

bool chunk_builder::make_room(const segment& piece, std::vector<segment> repeat) {
  if (fits(piece)) return true;
  if (segments_.size() > repeated_) cut(std::move(repeat));
  while (!fits(piece) && !segments_.empty()) restart_with({segments_.begin() + 1, segments_.end()});
  return fits(piece);
}

void chunk_builder::append(const segment& s) {
  cost_ += cost_of(s);
  if (!text_.empty()) text_ += s.glue;
  text_ += s.text;
  segments_.push_back(s);
}

bool chunk_builder::fits(const segment& s) const {
  return cost_ + cost_of(s) <= limits_.max;
}

token_cost chunk_builder::cost_after(char last, const segment& s) {
  return estimate_cost(s.glue, last) + estimate_cost(s.text, s.glue.empty() ? last : s.glue.back());
}

token_cost chunk_builder::cost_of(const segment& s) const {
  return text_.empty() ? estimate_cost(s.text) : cost_after(text_.back(), s);
}

void chunk_builder::cut(std::vector<segment> repeat) {
  emit();
  restart_with(repeat);
}

void chunk_builder::emit() {
  if (segments_.size() == repeated_) return;  // nothing that the chunk before did not have
  chunk c;
  c.heading_path = path_;
  for (const auto& s : segments_) {
    if (s.page == 0) continue;
    c.page_from = c.page_from == 0 ? s.page : std::min(c.page_from, s.page);
    c.page_to = std::max(c.page_to, s.page);
  }
  c.tokens = estimate_tokens(text_);
  c.text = std::move(text_);
  chunks_.push_back(std::move(c));
}

std::vector<chunk_builder::segment> chunk_builder::overlap() const {
  std::vector<segment> tail;         // last sentence first
  token_cost cost_behind_first = 0;  // of the tail without its first sentence
  bool room = true;
  for (auto s = segments_.rbegin(); room && s != segments_.rend() && s->repeatable; ++s) {
    const auto sentences = split_sentences(s->text);
    for (std::size_t i = sentences.size(); i-- > 0;) {
      const auto glue = i == 0 ? s->glue : between(sentences[i - 1], sentences[i]);
      const token_cost behind =
          tail.empty() ? 0 : cost_after(sentences[i].back(), tail.back()) + cost_behind_first;
      const bool all_of_chunk = i == 0 && std::next(s) == segments_.rend();
      room = !all_of_chunk && estimate_cost(sentences[i]) + behind <= limits_.overlap;
      if (!room) break;
      tail.push_back({glue, sentences[i], s->page, true});
      cost_behind_first = behind;
    }
  }
  std::reverse(tail.begin(), tail.end());
  return tail;
}

void chunk_builder::restart_with(const std::vector<segment>& repeat) {
  segments_.clear();
  text_.clear();
  cost_ = 0;
  for (const auto& s : repeat) append(s);
  repeated_ = segments_.size();
}

}  // namespace millrace
