// What must hold for any document, tried on a few thousand made from a seed.
#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/chunking/chunker.hpp"
#include "runtime/chunking/text_pieces.hpp"
#include "runtime/chunking/token_estimator.hpp"
#include "runtime/core/utf8.hpp"

namespace millrace {
namespace {

constexpr int documents = 250;

class document_maker {
 public:
  explicit document_maker(unsigned seed) : random_{seed} {}

  extracted_document make() {
    extracted_document d;
    const int elements = pick(0, 30);
    std::uint32_t page = 1;
    for (int i = 0; i < elements; ++i) {
      element e;
      e.kind = static_cast<element_kind>(pick(0, 7));
      e.level = static_cast<std::uint8_t>(pick(1, 6));
      page += static_cast<std::uint32_t>(pick(0, 3) == 0);
      e.page = page;
      if (e.kind != element_kind::page_break) e.text = text_of(e.kind);
      d.elements.push_back(std::move(e));
    }
    return d;
  }

  int pick(int least, int most) { return std::uniform_int_distribution{least, most}(random_); }

 private:
  /// Words are numbered, so that order and loss show.
  std::string word() {
    static const std::vector<std::string> stems = {"mill", "Wasser", "мельница", "été",    "x",
                                                   "3.5",  "e.g.",   "“ja”",     "a_b::c", "漢字"};
    return stems[static_cast<std::size_t>(pick(0, 9))] + std::to_string(next_++);
  }

  std::string text_of(element_kind kind) {
    if (kind == element_kind::table) return rows(pick(1, 40), "| ", " |");
    if (kind == element_kind::code) return rows(pick(1, 40), "", ";");
    const bool short_text = kind == element_kind::heading || kind == element_kind::title;
    const int words = short_text ? pick(1, 8) : pick(1, 250);
    std::string text;
    for (int i = 0; i < words; ++i) {
      if (i > 0) text += pick(0, 15) == 0 ? "\n" : " ";
      text += word();
      if (pick(0, 9) == 0) text += ".";
    }
    return text;
  }

  std::string rows(int count, const std::string& open, const std::string& close) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      if (i > 0) text += "\n";
      text += open;
      const int words = pick(1, 8);
      for (int w = 0; w < words; ++w) text += (w == 0 ? "" : " ") + word();
      text += close;
    }
    return text;
  }

  std::mt19937 random_;
  int next_ = 0;
};

std::vector<std::string> words_of(const extracted_document& d) {
  std::vector<std::string> words;
  for (const auto& e : d.elements)
    for (const auto w : split_words(e.text)) words.emplace_back(w);
  return words;
}

std::vector<std::string> words_of(const std::vector<chunk>& chunks) {
  std::vector<std::string> words;
  for (const auto& c : chunks)
    for (const auto w : split_words(c.text)) words.emplace_back(w);
  return words;
}

chunking_settings settings_of(document_maker& maker) {
  chunking_settings s;
  s.max_tokens = maker.pick(48, 400);  // every single word fits
  s.overlap_tokens = maker.pick(0, 80);
  return s;
}

TEST(chunker_property, no_chunk_is_over_the_limit_or_empty) {
  document_maker maker{1};
  for (int i = 0; i < documents; ++i) {
    auto s = settings_of(maker);
    if (i % 3 == 0) s.max_tokens = maker.pick(min_chunk_tokens, 48);
    for (const auto& c : chunk_document(maker.make(), s)) {
      ASSERT_LE(c.tokens, static_cast<std::uint32_t>(s.max_tokens)) << c.text;
      ASSERT_EQ(c.tokens, estimate_tokens(c.text));
      ASSERT_FALSE(c.text.empty());
      ASSERT_TRUE(is_clean_utf8(c.text));
    }
  }
}

TEST(chunker_property, every_word_appears_whole_and_in_order) {
  document_maker maker{2};
  for (int i = 0; i < documents; ++i) {
    const auto s = settings_of(maker);
    const auto d = maker.make();
    const auto expected = words_of(d);
    const auto actual = words_of(chunk_document(d, s));
    std::size_t found = 0;
    for (const auto& w : actual)
      if (found < expected.size() && w == expected[found]) ++found;
    ASSERT_EQ(found, expected.size()) << "lost or split a word of document " << i;
    const std::set<std::string> known{expected.begin(), expected.end()};
    for (const auto& w : actual) ASSERT_TRUE(known.contains(w)) << "made up or split: " << w;
  }
}

TEST(chunker_property, without_overlap_nothing_but_header_rows_is_repeated) {
  document_maker maker{3};
  for (int i = 0; i < documents; ++i) {
    auto s = settings_of(maker);
    s.overlap_tokens = 0;
    auto d = maker.make();
    std::erase_if(d.elements, [](const element& e) { return e.kind == element_kind::table; });
    ASSERT_EQ(words_of(chunk_document(d, s)), words_of(d));
  }
}

/// The longest end of `a` that is a beginning of `b` and ends with one of its words, in bytes.
std::size_t repeated_bytes(const std::string& a, const std::string& b) {
  for (auto n = std::min(a.size(), b.size()); n > 0; --n) {
    const bool word_ends = n == b.size() || b[n] == ' ' || b[n] == '\n';
    if (word_ends && a.ends_with(std::string_view{b}.substr(0, n))) return n;
  }
  return 0;
}

TEST(chunker_property, what_is_repeated_is_bounded_and_in_the_same_section) {
  document_maker maker{4};
  std::size_t repeated_somewhere = 0;
  for (int i = 0; i < documents; ++i) {
    const auto s = settings_of(maker);
    auto d = maker.make();
    std::erase_if(d.elements, [](const element& e) { return e.kind == element_kind::table; });
    const auto chunks = chunk_document(d, s);
    for (std::size_t c = 1; c < chunks.size(); ++c) {
      const auto n = repeated_bytes(chunks[c - 1].text, chunks[c].text);
      const auto repeated = std::string_view{chunks[c].text}.substr(0, n);
      ASSERT_LE(estimate_tokens(repeated), static_cast<std::uint32_t>(s.overlap_tokens));
      if (n > 0) {
        ASSERT_EQ(chunks[c - 1].heading_path, chunks[c].heading_path);
      }
      repeated_somewhere += n > 0 ? 1 : 0;
    }
  }
  EXPECT_GT(repeated_somewhere, 100U);  // or this test shows nothing
}

TEST(chunker_property, pages_never_go_back) {
  document_maker maker{5};
  for (int i = 0; i < documents; ++i) {
    const auto s = settings_of(maker);
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    for (const auto& c : chunk_document(maker.make(), s)) {
      ASSERT_LE(c.page_from, c.page_to);
      ASSERT_GE(c.page_from, from);
      ASSERT_GE(c.page_to, to);
      from = c.page_from;
      to = c.page_to;
    }
  }
}

TEST(chunker_property, the_same_document_gives_the_same_chunks) {
  document_maker one{6};
  document_maker other{6};
  for (int i = 0; i < 50; ++i) {
    const auto a = chunk_document(one.make(), settings_of(one));
    const auto b = chunk_document(other.make(), settings_of(other));
    ASSERT_EQ(words_of(a), words_of(b));
  }
}

}  // namespace
}  // namespace millrace
