#include "runtime/parsers/zip_container.hpp"

#include <gtest/gtest.h>

#include "runtime/parsers/parse_failure.hpp"
#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

ec code_of_reading(const std::string& bytes, std::uint64_t budget, const std::string& part) {
  try {
    zip_container::open(bytes, budget).read(part);
    return ec::none;
  } catch (const parse_failure& failure) {
    return failure.reason().code;
  }
}

TEST(zip_container, reads_parts_without_regard_to_case) {
  const auto bytes = make_zip({{"Word/Document.xml", "text"}});
  auto zip = zip_container::open(bytes, 100);
  EXPECT_EQ(zip.read("word/document.xml"), "text");
  EXPECT_EQ(zip.read_if_present("absent"), std::nullopt);
}

TEST(zip_container, the_budget_holds_for_all_parts_together) {
  const auto bytes = make_zip({{"a", std::string(60, 'a')}, {"b", std::string(60, 'b')}});
  auto zip = zip_container::open(bytes, 100);
  EXPECT_EQ(zip.read("a").size(), 60U);
  EXPECT_THROW(zip.read("b"), parse_failure);
}

TEST(zip_container, a_bomb_is_refused_by_its_ratio) {
  const auto bytes = make_zip({{"a", std::string(zip_container::ratio_free_bytes + 1, ' ')}});
  EXPECT_EQ(code_of_reading(bytes, std::uint64_t{1} << 40, "a"), ec::limit_exceeded);
}

TEST(zip_container, damaged_contents_are_malformed) {
  auto bytes =
      make_zip({{"a", "some text that is long enough to be packed, packed, packed, packed"}});
  bytes[40] = static_cast<char>(bytes[40] ^ 0xFF);
  EXPECT_EQ(code_of_reading(bytes, 1000, "a"), ec::malformed_document);
  EXPECT_EQ(code_of_reading(make_zip({{"a", "x"}}), 1000, "b"), ec::malformed_document);
}

}  // namespace
}  // namespace millrace::parsers
