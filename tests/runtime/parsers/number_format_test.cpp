#include "runtime/parsers/number_format.hpp"

#include <gtest/gtest.h>

namespace millrace::parsers {
namespace {

std::string shown(std::string_view code, double value,
                  date_system system = date_system::from_1900) {
  return number_format{code}.show(value, system);
}

TEST(number_format, general_shows_eleven_digits_and_whole_numbers_in_full) {
  EXPECT_EQ(show_general(0), "0");
  EXPECT_EQ(show_general(-3), "-3");
  EXPECT_EQ(show_general(0.1 + 0.2), "0.3");
  EXPECT_EQ(show_general(1234567.891234), "1234567.8912");
  EXPECT_EQ(show_general(-0.000123456), "-0.000123456");
  EXPECT_EQ(show_general(1.0 / 3), "0.3333333333");
  EXPECT_EQ(show_general(9781234567897), "9781234567897");
  EXPECT_EQ(show_general(1.5e20), "1.5E+20");
  EXPECT_EQ(show_general(0.00000123456789), "1.23457E-06");
}

TEST(number_format, digits_are_padded_grouped_and_rounded_half_up) {
  EXPECT_EQ(shown("0.00", 1.005), "1.01");
  EXPECT_EQ(shown("#,##0", 1234567), "1,234,567");
  EXPECT_EQ(shown("#,##0.00", 999.995), "1,000.00");
  EXPECT_EQ(shown("0000", 42), "0042");
  EXPECT_EQ(shown("#.##", 0.5), ".5");
  EXPECT_EQ(shown("0.0##", 2.5), "2.5");
  EXPECT_EQ(shown("#,##0,", 1234567), "1,235");
  EXPECT_EQ(shown("0.0,,\" m\"", 12'300'000), "12.3 m");
  EXPECT_EQ(shown("(000) 000-0000", 2125551234), "(212) 555-1234");
  EXPECT_EQ(shown("0,000", 7), "0,007");
}

TEST(number_format, percent_scientific_and_currency) {
  EXPECT_EQ(shown("0%", 0.125), "13%");
  EXPECT_EQ(shown("0.00%", 1), "100.00%");
  EXPECT_EQ(shown("0.00E+00", 12345), "1.23E+04");
  EXPECT_EQ(shown("0.0E-0", 0.00012), "1.2E-4");
  EXPECT_EQ(shown("##0.0E+0", 12345), "12.3E+3");
  EXPECT_EQ(shown("[$€-407] #,##0.00", -5), "-€ 5.00");
  EXPECT_EQ(shown("#,##0.00 \"kr\"", 5), "5.00 kr");
  EXPECT_EQ(shown(number_format::builtin_code(44), 1234.5), "$1,234.50");
  EXPECT_EQ(shown(number_format::builtin_code(44), -1234.5), "$(1,234.50)");
  EXPECT_EQ(shown(number_format::builtin_code(44), 0), "$-");
}

TEST(number_format, sections_are_chosen_by_sign_and_condition) {
  EXPECT_EQ(shown("0;(0);\"none\"", -5), "(5)");
  EXPECT_EQ(shown("0;(0);\"none\"", 0), "none");
  EXPECT_EQ(shown("[>=1000]0.0,\"k\";0", 1500), "1.5k");
  EXPECT_EQ(shown("[>=1000]0.0,\"k\";0", 150), "150");
  EXPECT_EQ(shown("[Red]0", -3), "-3");
  EXPECT_EQ(shown("0.0", -0.01), "0.0");
  EXPECT_EQ(shown(";;;", 5), "");
}

TEST(number_format, days_are_counted_from_1900_with_the_day_that_never_was) {
  EXPECT_EQ(shown("yyyy-mm-dd", 1), "1900-01-01");
  EXPECT_EQ(shown("yyyy-mm-dd", 59), "1900-02-28");
  EXPECT_EQ(shown("yyyy-mm-dd", 60), "1900-02-29");
  EXPECT_EQ(shown("yyyy-mm-dd", 61), "1900-03-01");
  EXPECT_EQ(shown("dddd d mmmm yyyy", 45422), "Friday 10 May 2024");
  EXPECT_EQ(shown("dd.mm.yy", 45422), "10.05.24");
  EXPECT_EQ(shown("yyyy\"年\"m\"月\"d\"日\"", 45422), "2024年5月10日");
  EXPECT_EQ(shown("[$-409]mmm\\-yy;@", 45422), "May-24");
}

TEST(number_format, days_may_be_counted_from_1904) {
  EXPECT_EQ(shown("yyyy-mm-dd", 0, date_system::from_1904), "1904-01-01");
  EXPECT_EQ(shown("yyyy-mm-dd", 43960, date_system::from_1904), "2024-05-10");
}

TEST(number_format, times_are_cut_and_seconds_rounded) {
  EXPECT_EQ(shown("h:mm", 0.999), "23:58");
  EXPECT_EQ(shown("h:mm:ss", 0.5), "12:00:00");
  EXPECT_EQ(shown("h:mm AM/PM", 0.75), "6:00 PM");
  EXPECT_EQ(shown("h AM/PM", 0), "12 AM");
  EXPECT_EQ(shown("mm:ss.0", 0.00001157), "00:01.0");
  EXPECT_EQ(shown("yyyy-mm-dd hh:mm", 45422.25), "2024-05-10 06:00");
  EXPECT_EQ(shown("[h]:mm:ss", 1.5), "36:00:00");
  EXPECT_EQ(shown("[mm]:ss", 0.05), "72:00");
  EXPECT_EQ(shown("h:mm:ss", 0.9999999), "0:00:00");
}

TEST(number_format, what_cannot_be_shown_as_a_date_or_fraction_is_general) {
  EXPECT_EQ(shown("yyyy-mm-dd", -1), "-1");
  EXPECT_EQ(shown("yyyy-mm-dd", 1e300), "1E+300");
  EXPECT_EQ(shown("# ?/?", 0.5), "0.5");
  EXPECT_EQ(shown("@", 12), "12");
}

TEST(number_format, text_takes_its_own_section) {
  EXPECT_EQ(number_format{"0;0;0;\"see \"@"}.show_text("page 5"), "see page 5");
  EXPECT_EQ(number_format{"0.00"}.show_text("page 5"), "page 5");
}

TEST(number_format, any_code_gives_an_answer) {
  for (const auto* code : {"",
                           "[",
                           "[]",
                           "[$",
                           "\"",
                           "\\",
                           "_",
                           "*",
                           "E+",
                           "0E",
                           "0E+",
                           ",,,",
                           ".",
                           "...",
                           "[h",
                           "[<]0",
                           ";;;;;;",
                           "0.0.0.0",
                           "%%%%%%%%%%%%%%%%0",
                           "mmmmmm",
                           "AM/PM",
                           "0,0,0,,",
                           "[>=x]0;[<y]1;2",
                           "é[é]\"é"})
    for (const double value : {0.0, -1.5, 1e308, -1e-308, 45422.75}) shown(code, value);
  EXPECT_EQ(shown(std::string(100'000, '0'), 1).size(), number_format::max_code_bytes);
}

}  // namespace
}  // namespace millrace::parsers
