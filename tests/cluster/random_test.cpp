// Nodes that come and go as a seed says: started, drained by SIGTERM, killed, stopped for a while.
#include <csignal>
#include <iostream>
#include <random>

#include <gmock/gmock.h>

#include "tests/cluster/credit_watch.hpp"

namespace millrace {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class comings_and_goings {
 public:
  comings_and_goings(cluster_bed& bed, std::uint64_t seed) : bed_{bed}, random_{seed} {}

  void step() {
    credit_.look(running());
    const auto& name = names_[random_() % names_.size()];
    if (!bed_.runs(name)) {
      bed_.start(name);
      return;
    }
    if (running().size() == 1) return;  // somebody must work
    auto& process = *bed_.node(name).process;
    switch (random_() % 3) {
      case 0:
        bed_.kill(name);
        return;
      case 1:
        process.signal(SIGTERM);
        EXPECT_EQ(process.wait().exit_code, 0) << name;
        bed_.kill(name);
        return;
      default:
        process.signal(SIGSTOP);
        credit_.until(
            others(name), [] { return false; }, seconds{random_() % 8});
        process.signal(SIGCONT);
    }
  }
  void expect_busy() const { credit_.expect_busy(2 * names_.size()); }
  void start_the_rest() {
    for (const auto& name : names_)
      if (!bed_.runs(name)) bed_.start(name);
  }

 private:
  std::vector<std::string> running() const {
    auto found = names_;
    std::erase_if(found, [&](const auto& name) { return !bed_.runs(name); });
    return found;
  }
  std::vector<std::string> others(const std::string& than) const {
    auto found = running();
    std::erase(found, than);
    return found;
  }

  cluster_bed& bed_;
  credit_watch credit_{bed_};
  std::mt19937_64 random_;
  std::vector<std::string> names_{"a", "b", "c"};
};

// MILLRACE_SECONDS and MILLRACE_SEED choose how long and what; `make soak` takes an hour.
TEST(random_nodes, come_and_go_and_every_document_ends_once) {
  const auto limit = seconds{number_from_environment("MILLRACE_SECONDS", 60)};
  const auto seed = number_from_environment("MILLRACE_SEED", std::random_device{}());
  std::cout << "seed " << seed << std::endl;  // before it may be killed
  SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed));
  // Work for the whole time: of 48 a second that 12 slots could do, losses leave ten or so.
  const auto documents = static_cast<int>(20 * limit.count());
  cluster_bed bed{{.documents = documents,
                   .latency = milliseconds{250},
                   .concurrency = 4,
                   .rest = "[queue]\nmax_losses = 1000\n[drain]\ntimeout = \"2s\"\n"}};
  bed.start("a");
  bed.submit("a");
  comings_and_goings chance{bed, seed};
  for (const auto end = clock::now() + limit; clock::now() < end;) chance.step();
  EXPECT_FALSE(bed.is_ready()) << "all was done before the time was over";
  chance.start_the_rest();
  chance.expect_busy();
  ASSERT_TRUE(bed.ended("d", std::max<seconds>(2 * limit, patience)));
  bed.stop_all();
  bed.expect_end({documents});
}

}  // namespace
}  // namespace millrace
