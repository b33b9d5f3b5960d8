// A node that may open fewer files than its configuration can need: documents wait, none fails.
#include <random>
#include <regex>

#include <sys/resource.h>

#include "tests/faults/fault_bed.hpp"
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

TEST(open_files, a_thousand_images_finish_with_256_descriptors) {
  constexpr int images = 1'000;
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

/// The lowest descriptor that the process does not use.
rlim_t lowest_unused_descriptor(pid_t pid) {
  const auto open = "/proc/" + std::to_string(pid) + "/fd/";
  rlim_t unused = 0;
  while (std::filesystem::is_symlink(open + std::to_string(unused))) ++unused;
  return unused;
}

TEST(open_files, documents_that_find_no_descriptor_wait_and_finish) {
  constexpr int documents = 60;
  fault_bed bed{documents, std::chrono::seconds{1}};
  bed.configure(4);
  bed.open_database();
  bed.w.environment["MILLRACE_LOG__LEVEL"] = "debug";
  const auto node = bed.start_run();
  ASSERT_TRUE(bed.works(*node, 1)) << node->err();

  rlimit before{};
  ASSERT_EQ(::prlimit(node->pid(), RLIMIT_NOFILE, nullptr, &before), 0);
  const auto waits = "document .*/d[0-9]+.txt waits: .*Too many open files";
  EXPECT_TRUE(eventually([&] {
    // Again and again: the node closes some.
    const rlimit none{lowest_unused_descriptor(node->pid()), before.rlim_max};
    ::prlimit(node->pid(), RLIMIT_NOFILE, &none, nullptr);
    return std::regex_search(node->err(), std::regex{waits});
  })) << node->err();
  ASSERT_EQ(::prlimit(node->pid(), RLIMIT_NOFILE, &before, nullptr), 0);

  bed.server.set_latency(std::chrono::milliseconds{1});
  const auto ended = node->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.err.find("has ended"), std::string::npos) << ended.err;
  EXPECT_EQ(bed.number("select max(attempts) from documents"), 1) << "none was blamed";
  bed.expect_end({documents});
}

}  // namespace
}  // namespace millrace
