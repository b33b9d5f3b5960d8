#include "runtime/parsers/image_header.hpp"

#include <gtest/gtest.h>

#include "tests/runtime/parsers/parsing.hpp"

namespace millrace::parsers {
namespace {

using namespace std::string_literals;

TEST(image_header, reads_the_size_of_each_kind) {
  const auto png = describe_image(read_sample("picture.png"));
  EXPECT_EQ(png.mime, "image/png");
  EXPECT_EQ(png.width, 64U);
  EXPECT_EQ(png.height, 48U);
  const auto jpeg =
      describe_image("\xFF\xD8\xFF\xE0\x00\x04zz\xFF\xC0\x00\x11\x08\x01\x02\x03\x04\x03more"s);
  EXPECT_EQ(jpeg.mime, "image/jpeg");
  EXPECT_EQ(jpeg.width, 0x0304U);
  EXPECT_EQ(jpeg.height, 0x0102U);
  const auto webp = describe_image("RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0\x0F\0\0\x07\0\0"s);
  EXPECT_EQ(webp.width, 16U);
  EXPECT_EQ(webp.height, 8U);
}

TEST(image_header, a_cut_header_has_no_size) {
  for (const auto& cut : {"\xFF\xD8\xFF"s, "\x89PNG\r\n\x1A\n"s, "GIF89a"s, "RIFF\0\0\0\0WEBP"s}) {
    const auto info = describe_image(cut);
    EXPECT_NE(info.mime, "application/octet-stream");
    EXPECT_EQ(info.width, 0U);
  }
}

TEST(image_header, data_urls_are_decoded_or_refused) {
  EXPECT_EQ(decode_data_url("data:text/plain;base64,bWls bA=="), "mill");
  EXPECT_EQ(decode_data_url("data:text/plain;base64,bW!"), std::nullopt);
  EXPECT_EQ(decode_data_url("data:text/plain,mill"), std::nullopt);
  EXPECT_EQ(decode_data_url("https://example.org/x.png"), std::nullopt);
}

}  // namespace
}  // namespace millrace::parsers
