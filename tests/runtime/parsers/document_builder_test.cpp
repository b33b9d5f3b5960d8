#include "runtime/parsers/document_builder.hpp"

#include <gtest/gtest.h>

#include "runtime/parsers/parse_failure.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using namespace std::string_literals;

TEST(document_builder, text_is_trimmed_and_cleaned) {
  const parse_limits limits;
  document_builder builder{limits};
  builder.add(element_kind::paragraph,
              "\u00A0 a\x01"
              "b\0c\xFF\u00A0d \n"s);
  builder.add(element_kind::paragraph, " \u3000 ");
  const auto document = std::move(builder).take();
  ASSERT_EQ(document.elements.size(), 1U);
  EXPECT_EQ(document.elements[0].text, "a bc\uFFFD d");
}

TEST(document_builder, text_is_trimmed_of_what_stood_within_zero_bytes) {
  const parse_limits limits;
  document_builder builder{limits};
  builder.add(element_kind::paragraph, "\0 \u00A0text\t\0"s);
  EXPECT_EQ(std::move(builder).take().elements.at(0).text, "text");
}

TEST(document_builder, the_first_title_stays) {
  const parse_limits limits;
  document_builder builder{limits};
  builder.set_title("  ");
  builder.set_title("The\n  mill ");
  builder.set_title("Other");
  EXPECT_EQ(std::move(builder).take().title, "The mill");
}

TEST(document_builder, too_much_text_exceeds_the_limit) {
  const parse_limits limits{.max_text_bytes = 10};
  EXPECT_EQ(parse_error("one two\n\nthree four\n", limits).code, ec::limit_exceeded);
  EXPECT_EQ(parse_error("one two\n", limits).code, ec::none);
}

TEST(document_builder, too_many_elements_exceed_the_limit) {
  const parse_limits limits{.max_elements = 2};
  EXPECT_EQ(parse_error("a\n\nb\n", limits).code, ec::none);
  EXPECT_EQ(parse_error("a\n\nb\n\nc\n", limits).code, ec::limit_exceeded);
  EXPECT_EQ(parse_error("# a\n\nb\n\nc\n\nd\n", limits).code, ec::limit_exceeded);
  EXPECT_EQ(parse_error("<html><p>a<p>b<p>c</html>", limits).code, ec::limit_exceeded);
}

}  // namespace
}  // namespace millrace::parsers
