#include "runtime/checkpoints/pieces.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

extracted_document long_document() {
  extracted_document d;
  d.mime = "application/pdf";
  d.sha256 = std::string(64, 'a');
  d.size = 12'345;
  d.pages = 900;
  d.title = "Locks and weirs";
  for (std::uint32_t page = 1; page <= 900; ++page)
    d.elements.push_back(
        {element_kind::paragraph, 0, page, std::to_string(page) + std::string(10'000, 'x'), {}});
  d.elements.push_back(
      {element_kind::image, 0, 900, "a lock", {std::string(64, 'b'), "image/png", 640, 480, 999}});
  return d;
}

std::vector<described_image> two_images() {
  return {{{3, {std::string(64, 'c'), "image/jpeg", 5'000'000'00, 2, 1ULL << 40}, "größer"}, true},
          {{4, {std::string(64, 'd'), "", 0, 0, 0}, ""}, false}};
}

TEST(pieces, embeddings_come_back_and_nothing_else_is_taken_for_them) {
  const std::vector<embedding_bytes> embeddings{"one", "", std::string(4'096, '\0')};
  const auto content = encode_embeddings(embeddings);
  EXPECT_EQ(decode_embeddings(content), embeddings);
  EXPECT_EQ(decode_embeddings(encode_embeddings({})), std::vector<embedding_bytes>{});
  for (std::size_t size = 0; size < content.size(); ++size)
    ASSERT_FALSE(decode_embeddings(content.substr(0, size))) << size;
  EXPECT_FALSE(decode_embeddings(content + "x"));
  EXPECT_FALSE(decode_embeddings(std::string(4, '\xff'))) << "four thousand million of them";
}

TEST(pieces, images_come_back_and_nothing_else_is_taken_for_them) {
  const auto content = encode_images(two_images());
  const auto found = decode_images(content);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(encode_images(*found), content);
  EXPECT_EQ(found->at(0).image.text, "größer");
  EXPECT_TRUE(found->at(0).kept);
  EXPECT_EQ(found->at(1).image.info.sha256, std::string(64, 'd'));
  for (std::size_t size = 0; size < content.size(); ++size)
    ASSERT_FALSE(decode_images(content.substr(0, size))) << size;
  EXPECT_FALSE(decode_images(std::string(4, '\xff')));
}

finished_pages pages_of(const extracted_document& d, std::uint32_t first, std::uint32_t end) {
  finished_pages pages{d.sha256, d.size, first, end, {}};
  for (const auto& e : d.elements)
    if (e.page > first && e.page <= end) pages.elements.push_back(e);
  return pages;
}

TEST(pieces, an_extraction_comes_back_of_all_its_pieces_only) {
  const auto document = long_document();
  const auto pieces = encode_extraction(document);
  ASSERT_GE(pieces.size(), 3U);
  for (const auto& p : pieces) EXPECT_LT(p.size(), 2 * piece_bytes);
  const auto found = decode_extraction(pieces).document;
  ASSERT_TRUE(found);
  EXPECT_EQ(found->title, document.title);
  EXPECT_EQ(found->pages, 900U);
  ASSERT_EQ(found->elements.size(), document.elements.size());
  for (std::size_t i = 0; i < document.elements.size(); ++i) {
    ASSERT_EQ(found->elements[i].text, document.elements[i].text);
    ASSERT_EQ(found->elements[i].page, document.elements[i].page);
  }
  EXPECT_EQ(found->elements.back().image.width, 640U);

  auto fewer = pieces;
  fewer.pop_back();
  EXPECT_FALSE(decode_extraction(fewer).document) << "the last one is missing";
  EXPECT_EQ(decode_extraction(fewer).pages, 0U) << "nothing says which pages are finished";
  auto cut = pieces;
  cut[1].resize(cut[1].size() - 1);
  EXPECT_FALSE(decode_extraction(cut).document);
  EXPECT_FALSE(decode_extraction({}).document);
  EXPECT_FALSE(decode_extraction(std::vector<std::string>{"nonsense"}).document);
}

TEST(pieces, finished_pages_and_the_rest_make_the_document) {
  const auto document = long_document();
  std::vector<std::string> pieces{encode_pages(pages_of(document, 0, 300)),
                                  encode_pages(pages_of(document, 300, 700))};
  const auto part = decode_extraction(pieces);
  EXPECT_FALSE(part.document);
  EXPECT_EQ(part.pages, 700U);
  EXPECT_EQ(part.pieces, 2U);
  ASSERT_EQ(part.elements.size(), 700U);
  EXPECT_EQ(part.elements.back().text, document.elements[699].text);

  // The next holder reads from page 701 on.
  auto rest = document;
  rest.skipped_pages = 700;
  rest.elements.erase(rest.elements.begin(), rest.elements.begin() + 700);
  for (auto& content : encode_extraction(rest, 0, 700)) pieces.push_back(std::move(content));
  const auto whole = decode_extraction(pieces);
  ASSERT_TRUE(whole.document);
  EXPECT_EQ(whole.document->skipped_pages, 0U);
  EXPECT_EQ(whole.document->elements.size(), document.elements.size());
}

TEST(pieces, pages_that_do_not_follow_each_other_end_what_is_taken) {
  const auto document = long_document();
  const std::vector<std::string> gap{encode_pages(pages_of(document, 0, 300)),
                                     encode_pages(pages_of(document, 400, 700))};
  const auto found = decode_extraction(gap);
  EXPECT_EQ(found.pages, 300U);
  EXPECT_EQ(found.pieces, 1U);
  EXPECT_EQ(found.elements.size(), 300U);
}

}  // namespace
}  // namespace millrace
