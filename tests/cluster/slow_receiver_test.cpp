// A node that is stopped while others send to it. CAF keeps what it cannot send without a limit, so
// only what was granted keeps the sender's memory flat.
#include <csignal>
#include <fstream>

#include "runtime/extraction/extractor_process.hpp"
#include "tests/cluster/credit_watch.hpp"

namespace millrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// CAF gives a silent link up after 2 s (system_config.hpp).
constexpr seconds link_holds{1};
constexpr seconds link_is_lost{6};
/// What a sender may grow by while nobody reads; the load is many times that.
constexpr std::int64_t largest_growth = 8'000'000;

std::int64_t resident_bytes(std::int64_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6)) * 1024;
  return 0;
}

/// Large texts that lie at `front`, are read and chunked by `reader` and embedded by `vectors`:
/// pieces of files go over one link, slices of texts over the other. Of everything less is granted
/// than the documents at work would send.
class large_documents : public cluster_bed {
 public:
  static constexpr int documents = 84;
  static constexpr std::size_t size = 512U << 10;
  static_assert(documents * size > 5 * largest_growth);

  credit_watch credit{*this};

  large_documents()
      : cluster_bed{{.latency = milliseconds{250},
                     .concurrency = 32,
                     .names = {"front", "reader", "vectors"},
                     .shared = false,
                     .rest = "[chunking]\nmax_tokens = 8192\n[commit]\nmax_bytes = \"4MiB\"\n",
                     .roles = {{"front", R"(["queue_puller", "ledger", "status_aggregator"])"},
                               {"reader", R"(["document"])"},
                               {"vectors", R"(["embedder", "image"])"}}}} {
    for (int i = 0; i < documents; ++i)
      w.add_document("large-" + std::to_string(i) + ".txt", text(i));
    start_all();
    EXPECT_TRUE(linked({"front", "reader", "vectors"}));
    submit("front");
    EXPECT_TRUE(eventually([this] { return done_by("reader") > 10; })) << "at full load";
  }

  std::int64_t pid(const std::string& name) const {
    return number("select pid from nodes where name = '" + name + "'");
  }
  /// Stops a node for so long. By how much each of the others was larger than at its begin, at
  /// most.
  std::map<std::string, std::int64_t> stop(const std::string& receiver, seconds time) {
    std::map<std::string, std::int64_t> pids, before, growth;
    std::vector<std::string> senders;
    for (const auto* name : {"front", "reader", "vectors"})
      if (name != receiver) senders.emplace_back(name);
    for (const auto& name : senders) pids[name] = pid(name);
    credit.look(senders);
    for (const auto& [name, p] : pids) before[name] = resident_bytes(p);
    node(receiver).process->signal(SIGSTOP);
    credit.until(
        senders,
        [&] {
          for (const auto& [name, p] : pids)
            growth[name] = std::max(growth[name], resident_bytes(p) - before[name]);
          return false;
        },
        time);
    node(receiver).process->signal(SIGCONT);
    return growth;
  }

 private:
  static std::string text(int number) {
    std::string words;
    for (int i = 0; words.size() < size; ++i)
      words += "Document " + std::to_string(number) + " says in line " + std::to_string(i) +
               " what no other one says.\n" + (i % 20 == 19 ? "\n" : "");
    return words;
  }
};

class slow_receiver : public ::testing::TestWithParam<const char*> {};

TEST_P(slow_receiver, costs_the_senders_no_memory_and_no_document) {
  large_documents bed;
  for (const auto time : {link_holds, link_is_lost}) {
    const auto done = bed.done_by("reader");
    ASSERT_LT(done, large_documents::documents / 2) << "too early to be idle";
    for (const auto& [name, bytes] : bed.stop(GetParam(), time)) {
      RecordProperty(name + "_" + std::to_string(time.count()) + "s", std::to_string(bytes));
      if (extraction::limits_address_space) {  // sanitizers keep what was freed for a while
        EXPECT_LT(bytes, largest_growth) << name << " after " << time.count() << " s";
      }
    }
    ASSERT_TRUE(eventually([&] { return bed.done_by("reader") > done + 5; })) << "goes on";
  }
  ASSERT_TRUE(bed.ended("d", 2 * patience));
  bed.stop_all();
  bed.expect_end({large_documents::documents});
}

INSTANTIATE_TEST_SUITE_P(cluster, slow_receiver, ::testing::Values("vectors", "reader"),
                         [](const auto& test) { return std::string{test.param}; });

}  // namespace
}  // namespace millrace
