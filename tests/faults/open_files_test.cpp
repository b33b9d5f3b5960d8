// A node that may open fewer files than its configuration can need: documents wait, none fails.
#include <random>

#include "tests/integration/workspace.hpp"
#include "tests/support/png_file.hpp"

namespace millrace {
namespace {

constexpr int images = 1'000;

/// An image of its own for each number: large enough to be read, and nothing to be read in it.
std::string speckled_png(int number) {
  constexpr std::uint32_t side = 40;
  std::mt19937 random{static_cast<std::uint32_t>(number)};
  gray_image image{side, side, std::string(side * side, '\xFF')};
  for (int i = 0; i < 12; ++i) image.pixels[random() % image.pixels.size()] = '\x80';
  return make_png(image);
}

TEST(open_files, a_thousand_images_finish_with_256_descriptors) {
  workspace w;
  for (int i = 0; i < images; ++i)
    w.add_document("picture-" + std::to_string(i) + ".png", speckled_png(i));
  const auto config = w.add_config(
      "[documents]\nconcurrency = 200\n[extraction]\nprocesses = 4\n"
      "memory_budget = \"4GiB\"\n[credits]\nenabled = false\n");
  const auto done = w.shell("ulimit -n 256; millrace run --json --dataset pictures --config " +
                            config + " " + w.documents());
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(number_at(parse_json(done.out), "documents.ready"), images);
  EXPECT_EQ(number_at(parse_json(done.out), "documents.failed"), 0);
  EXPECT_EQ(w.sql("select max(attempts) from documents"), "1") << "none was blamed";
  EXPECT_EQ(done.err.find("has ended"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("at most 256 files may be open"), std::string::npos) << done.err;
}

}  // namespace
}  // namespace millrace
