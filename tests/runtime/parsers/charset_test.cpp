#include "runtime/parsers/charset.hpp"

#include <gtest/gtest.h>

namespace millrace::parsers {
namespace {

using namespace std::string_literals;

std::string decoded(std::string_view bytes) {
  const auto text = decode_text(bytes);
  return text ? std::string{text->view()} : "(binary)";
}

TEST(charset, utf8_is_not_copied) {
  const auto bytes = "Grüße vom Fluß"s;
  const auto text = decode_text(bytes);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->view().data(), bytes.data());
}

TEST(charset, byte_order_marks_decide) {
  EXPECT_EQ(decoded("\xEF\xBB\xBF"
                    "é"),
            "é");
  EXPECT_EQ(decoded("\xFF\xFE\xE9\0"s), "é");
  EXPECT_EQ(decoded("\xFE\xFF\0\xE9"s), "é");
  EXPECT_EQ(decoded("\xFF\xFE\0\0\xE9\0\0\0"s), "é");
}

TEST(charset, utf16_is_known_by_its_zero_bytes) {
  EXPECT_EQ(decoded("m\0i\0l\0l\0 \0w\0\xE9\0"s), "mill wé");
  EXPECT_EQ(decoded("\0m\0i\0l\0l"s), "mill");
}

TEST(charset, a_declared_charset_is_used) {
  EXPECT_EQ(decoded("<meta charset=\"iso-8859-2\"><p>\xB3\xF3"
                    "dka"),
            "<meta charset=\"iso-8859-2\"><p>łódka");
}

TEST(charset, valid_utf8_is_believed_over_a_wrong_declaration) {
  EXPECT_EQ(decoded("<meta charset=\"iso-8859-1\"><p>über"),
            "<meta charset=\"iso-8859-1\"><p>über");
}

TEST(charset, an_unknown_declared_charset_is_ignored) {
  EXPECT_EQ(decoded("<meta charset=\"klingon-7\"><p>caf\xE9 et th\xE9 \xE0 la cr\xE8me"),
            "<meta charset=\"klingon-7\"><p>café et thé à la crème");
}

TEST(charset, latin_text_without_a_declaration_is_windows_1252) {
  EXPECT_EQ(decoded("Der M\xFChlenbach flie\xDFt \xFC"
                    "ber das gro\xDF"
                    "e Rad."),
            "Der Mühlenbach fließt über das große Rad.");
}

TEST(charset, a_character_cut_at_the_end_does_not_lose_the_text) {
  EXPECT_EQ(decoded("\xFF\xFE"
                    "a\0b\0c"s),
            "ab");
}

TEST(charset, zero_bytes_without_a_pattern_and_control_characters_are_no_text) {
  EXPECT_EQ(decoded("abc\0\0\0\0defghijklmnop"s), "(binary)");
  EXPECT_EQ(decoded("\x01\x02\x03\x04 four of eight"), "(binary)");
}

}  // namespace
}  // namespace millrace::parsers
