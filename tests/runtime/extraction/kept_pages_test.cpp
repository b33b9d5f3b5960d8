#include "runtime/extraction/kept_pages.hpp"

#include <gtest/gtest.h>

namespace millrace::extraction {
namespace {

const std::string hash(64, 'a');
const std::string other_hash(64, 'b');

identity identity_of(const std::string& sha256, std::uint32_t skipped) {
  return {1, sha256, 1'000, skipped, "application/pdf", 12, "A title"};
}

/// An element for each page after `first`.
std::vector<element> pages(std::uint32_t first, std::uint32_t end) {
  std::vector<element> out;
  for (auto page = first + 1; page <= end; ++page)
    out.push_back({element_kind::paragraph, 0, page, "page " + std::to_string(page), {}});
  return out;
}

extracted_document document(const std::string& sha256, std::uint32_t skipped, std::uint32_t end) {
  extracted_document d;
  d.sha256 = sha256;
  d.skipped_pages = skipped;
  d.elements = pages(skipped, end);
  return d;
}

TEST(kept_pages, nothing_kept_changes_nothing) {
  kept_pages kept;
  EXPECT_EQ(kept.known(7), 7U);
  auto read = document(hash, 7, 9);
  EXPECT_TRUE(kept.complete(read));
  EXPECT_EQ(read.skipped_pages, 7U);
  EXPECT_FALSE(std::move(kept).as_document({ec::partly_read, "why"}));
}

TEST(kept_pages, of_several_tries_and_the_last_one_are_one_document) {
  kept_pages kept;
  kept.keep(identity_of(hash, 4), 6, pages(4, 6));  // whoever asked has four
  EXPECT_EQ(kept.known(4), 6U);
  kept.keep(identity_of(hash, 6), 7, pages(6, 7));
  auto read = document(hash, 7, 12);
  ASSERT_TRUE(kept.complete(read));
  EXPECT_EQ(read.skipped_pages, 4U);
  ASSERT_EQ(read.elements.size(), 8U);
  for (std::uint32_t i = 0; i < 8; ++i) EXPECT_EQ(read.elements[i].page, i + 5);
}

TEST(kept_pages, a_format_that_cannot_skip_brings_them_itself) {
  kept_pages kept;
  kept.keep(identity_of(hash, 0), 6, pages(0, 6));
  kept.keep(identity_of(hash, 0), 5, pages(0, 5));
  EXPECT_EQ(kept.pages(), 6U) << "the second try did not come as far";
  kept.keep(identity_of(hash, 0), 7, pages(0, 7));
  auto read = document(hash, 0, 12);
  EXPECT_TRUE(kept.complete(read));
  EXPECT_EQ(read.elements.size(), 12U);
}

TEST(kept_pages, of_another_content_are_not_mixed) {
  kept_pages kept;
  kept.keep(identity_of(hash, 0), 6, pages(0, 6));
  auto read = document(other_hash, 6, 12);
  EXPECT_FALSE(kept.complete(read));
  kept.keep(identity_of(other_hash, 6), 7, pages(6, 7));
  EXPECT_FALSE(std::move(kept).as_document({ec::partly_read, "why"}));
  kept = {};
  kept.keep(identity_of(hash, 0), 6, pages(0, 6));
  kept.keep(identity_of(other_hash, 0), 2, pages(0, 2));
  EXPECT_EQ(kept.pages(), 2U);
}

TEST(kept_pages, alone_are_a_document_with_a_warning) {
  kept_pages kept;
  auto elements = pages(0, 6);
  elements[0].text = "not \xFF clean";
  kept.keep(identity_of(hash, 0), 6, std::move(elements));
  const auto rest = std::move(kept).as_document({ec::partly_read, "why"});
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->warning.code, ec::partly_read);
  EXPECT_EQ(rest->mime, "application/pdf");
  EXPECT_EQ(rest->title, "A title");
  EXPECT_EQ(rest->pages, 12U);
  EXPECT_EQ(rest->sha256, hash);
  EXPECT_EQ(rest->size, 1'000U);
  EXPECT_EQ(rest->elements.size(), 6U);
  EXPECT_EQ(rest->elements[0].text.find('\xFF'), std::string::npos);
}

TEST(kept_pages, if_whoever_asked_has_all_of_them_the_document_is_those) {
  kept_pages kept;
  kept.keep(identity_of(hash, 4), 4, {});
  const auto rest = std::move(kept).as_document({ec::partly_read, "why"});
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->skipped_pages, 4U);
  EXPECT_TRUE(rest->elements.empty());
}

}  // namespace
}  // namespace millrace::extraction
