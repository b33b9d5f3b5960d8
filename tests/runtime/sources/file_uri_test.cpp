#include "runtime/sources/file_uri.hpp"

#include <random>

#include <gtest/gtest.h>

#include "runtime/core/utf8.hpp"

namespace millrace {
namespace {

TEST(file_uri, readable_names_stay_readable) {
  EXPECT_EQ(file_uri("/srv/a b.txt"), "file:///srv/a%20b.txt");
  EXPECT_EQ(file_uri("/srv/Größe.txt"), "file:///srv/Größe.txt");
  EXPECT_EQ(file_uri("/a%20b?c#d\"e\\f"), "file:///a%2520b%3Fc%23d%22e%5Cf");
  EXPECT_EQ(file_uri("/x\ny"), "file:///x%0Ay");
  EXPECT_EQ(file_uri("/Gr\xF6\xDF"
                     "e"),
            "file:///Gr%F6%DFe")
      << "not UTF-8";
}

TEST(file_uri, what_is_no_local_path_is_refused) {
  for (const auto* uri : {"http://example.org/a", "file://host/a", "file://", "/a", "", "FILE:///a",
                          "file:///a%", "file:///a%2", "file:///a%zz", "file:///a%00b"})
    EXPECT_FALSE(path_of_file_uri(uri)) << uri;
  EXPECT_EQ(path_of_file_uri("file:///a%2fb"), "/a/b") << "lower-case digits";
}

TEST(file_uri, a_file_of_a_node_names_it) {
  EXPECT_EQ(file_uri("/srv/a b.txt", "node-1"), "file://node-1/srv/a%20b.txt");
  const auto place = place_of_file_uri("file://node-1/srv/a%20b.txt");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->node, "node-1");
  EXPECT_EQ(place->path, "/srv/a b.txt");
  EXPECT_EQ(place_of_file_uri("file:///srv/a")->node, "");
  for (const auto* uri : {"file://node", "file://no de/a", "file://user@host/a", "http://a/b"})
    EXPECT_FALSE(place_of_file_uri(uri)) << uri;
}

TEST(file_uri, any_name_survives_the_round_trip_as_a_line_of_utf8) {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    std::mt19937 random{seed};
    std::uniform_int_distribution<int> length{0, 60};
    // Half of the names are of ASCII only, the others of any byte but 0 and '/'.
    std::uniform_int_distribution<int> byte{1, seed % 2 == 0 ? 127 : 255};
    std::string path = "/";
    for (int n = length(random); n > 0; --n) path += static_cast<char>(byte(random));
    if (seed % 3 == 0) path += "日本語 é";
    const auto uri = file_uri(path);
    ASSERT_EQ(path_of_file_uri(uri), path) << "seed " << seed << ": " << uri;
    ASSERT_TRUE(is_clean_utf8(uri)) << "seed " << seed << ": " << uri;
    for (const auto c : uri) ASSERT_GT(static_cast<unsigned char>(c), 0x20) << "seed " << seed;
  }
}

}  // namespace
}  // namespace millrace
