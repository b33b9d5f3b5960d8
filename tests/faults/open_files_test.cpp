// A node that may open fewer files than its configuration can need: documents wait, none fails.
#include <random>

#include <gmock/gmock.h>

#include "runtime/database/embedded_server.hpp"
#include "tests/integration/workspace.hpp"
#include "tests/support/png_file.hpp"

namespace millrace {
namespace {

/// An image of its own for each number: large enough to be read, and nothing to be read in it.
std::string speckled_png(int number) {
  constexpr std::uint32_t side = 40;
  std::mt19937 random{static_cast<std::uint32_t>(number)};
  gray_image image{side, side, std::string(side * side, '\xFF')};
  for (int i = 0; i < 12; ++i) image.pixels[random() % image.pixels.size()] = '\x80';
  return make_png(image);
}

/// Reads so many images with so many descriptors; what the node says.
std::string read_images(int images, int descriptors) {
  workspace w;
  w.environment["MILLRACE_LOG__LEVEL"] = "debug";
  for (int i = 0; i < images; ++i)
    w.add_document("picture-" + std::to_string(i) + ".png", speckled_png(i));
  const auto config = w.add_config(
      "[documents]\nconcurrency = 200\n[extraction]\nprocesses = 4\n"
      "memory_budget = \"4GiB\"\n[credits]\nenabled = false\n");
  // PostgreSQL does not start with less than 64: it is there before.
  const auto server = embedded_server::open({.directory = w.data(), .fsync = false});
  EXPECT_TRUE(server) << server.error().message;
  const auto limit = std::to_string(descriptors);
  const auto done = w.shell("ulimit -n " + limit + "; millrace run --json --dataset pictures " +
                            "--config " + config + " " + w.documents());
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(number_at(parse_json(done.out), "documents.ready"), images);
  EXPECT_EQ(number_at(parse_json(done.out), "documents.failed"), 0);
  EXPECT_EQ(w.sql("select max(attempts) from documents"), "1") << "none was blamed";
  EXPECT_EQ(done.err.find("has ended"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("at most " + limit + " files may be open"), std::string::npos)
      << done.err;
  return done.err;
}

TEST(open_files, a_thousand_images_finish_with_256_descriptors) {
  read_images(1'000, 256);
}

TEST(open_files, documents_that_find_no_descriptor_wait_and_finish) {
  const auto said = read_images(60, 36);
  EXPECT_THAT(said, ::testing::ContainsRegex("document .*/picture-[0-9]+.png waits: .*"
                                             "Too many open files"));
}

}  // namespace
}  // namespace millrace
