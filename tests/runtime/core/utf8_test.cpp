#include "runtime/core/utf8.hpp"

#include <string>

#include <gtest/gtest.h>

namespace millrace {
namespace {

using namespace std::string_literals;

TEST(utf8, accepts_every_length_of_sequence) {
  EXPECT_TRUE(is_clean_utf8(""));
  EXPECT_TRUE(is_clean_utf8("plain ascii that is longer than eight bytes"));
  EXPECT_TRUE(is_clean_utf8("é € 😀 after some more ascii text"));
}

TEST(utf8, replaces_each_invalid_run_once) {
  EXPECT_EQ(clean_utf8("a\xFF\xFE"s + "b"), "a\uFFFD"s + "b");
  EXPECT_EQ(clean_utf8("caf\xE9"), "caf\uFFFD");
}

TEST(utf8, rejects_surrogates_overlong_forms_and_the_beyond) {
  for (const auto* bad :
       {"\xED\xA0\x80", "\xC0\xAF", "\xE0\x80\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80"}) {
    EXPECT_FALSE(is_clean_utf8(bad)) << bad;
    EXPECT_TRUE(is_clean_utf8(clean_utf8(bad)));
  }
}

TEST(utf8, removes_nul_bytes_wherever_they_stand) {
  EXPECT_FALSE(is_clean_utf8("12345678\0"s));
  EXPECT_EQ(clean_utf8("\0one\0two and a longer tail\0"s), "onetwo and a longer tail");
}

TEST(utf8, a_sequence_cut_at_the_end_is_invalid) {
  EXPECT_EQ(clean_utf8("abcdefgh\xE2\x82"), "abcdefgh\uFFFD");
}

}  // namespace
}  // namespace millrace
