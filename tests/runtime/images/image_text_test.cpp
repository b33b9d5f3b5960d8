#include "runtime/images/image_text.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

element image_element(const std::string& source, char hash, const std::string& alternative = {}) {
  element e{element_kind::image, 0, 3, alternative, {}};
  e.image.sha256 = std::string(64, hash);
  e.image.source = source;
  return e;
}

image_record record_of(const element& e, const std::string& text) {
  return {e.page, e.image, text};
}

TEST(image_text, stands_where_the_image_stands) {
  std::vector<element> elements{{element_kind::paragraph, 0, 3, "before", {}},
                                image_element("part:a", 'a', "a lock"),
                                {element_kind::paragraph, 0, 3, "after", {}}};
  insert_image_texts(elements, {record_of(elements[1], "a lock\nGate 2")});
  ASSERT_EQ(elements.size(), 3U);
  EXPECT_EQ(elements[1].kind, element_kind::image);
  EXPECT_EQ(elements[1].text, "a lock\nGate 2");
}

TEST(image_text, every_place_of_a_repeated_image_gets_it_and_unknown_ones_stay) {
  std::vector<element> elements{image_element("part:a", 'a'), image_element("part:a", 'a'),
                                image_element("part:b", 'b', "as it was")};
  insert_image_texts(elements, {record_of(elements[0], "read")});
  EXPECT_EQ(elements[0].text, "read");
  EXPECT_EQ(elements[1].text, "read");
  EXPECT_EQ(elements[2].text, "as it was");
}

TEST(image_text, a_page_becomes_paragraphs) {
  std::vector<element> elements{{element_kind::paragraph, 0, 2, "page two", {}},
                                image_element("page:3", 'a'),
                                image_element("mime:1/page:1", 'b')};
  insert_image_texts(elements,
                     {record_of(elements[1], "One.\n\nTwo.\n\n"), record_of(elements[2], "")});
  ASSERT_EQ(elements.size(), 3U) << "a page without text is nothing";
  EXPECT_EQ(elements[1].kind, element_kind::paragraph);
  EXPECT_EQ(elements[1].text, "One.");
  EXPECT_EQ(elements[2].text, "Two.");
  EXPECT_EQ(elements[2].page, 3U);
}

TEST(image_text, joins_what_the_author_says_and_what_is_read) {
  EXPECT_EQ(join_image_text("a lock", "Gate 2"), "a lock\nGate 2");
  EXPECT_EQ(join_image_text("", "Gate 2"), "Gate 2");
  EXPECT_EQ(join_image_text("a lock", ""), "a lock");
}

}  // namespace
}  // namespace millrace
