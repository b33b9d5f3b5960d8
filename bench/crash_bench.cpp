// What a crash of a parser costs everybody else: small texts go through an extractor_pool, in
// rounds without a deadly document and with one in every `--every`, in turn. Two loads:
//
//   full    as many documents as a node hands over at a time, as fast as the pool takes them: what
//           a crash adds to the whole, (seconds with - seconds without) / crashes; and the same of
//           CPU time, which says more on a busy machine. A deadly document crashes
//           extraction.crash_attempts times
//   steady  one document after the other at `--rate`, which leaves the pool half idle: how long the
//           slowest of the others waited for its answer
//
// Prints the medians of the rounds, and each round. Nothing is asserted.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/deadly_document.hpp"
#include "bench/worker_processes.hpp"
#include "runtime/extraction/extractor_pool.hpp"

namespace {

using namespace millrace;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
using seconds = std::chrono::duration<double>;

/// As many documents as the document actors of a node hand to the pool at one time.
constexpr int documents_in_flight = 100;
constexpr std::size_t document_bytes = 1024;
constexpr std::chrono::seconds longest_start{10};  ///< Of the extractors.

struct options {
  int workers = 2;
  int rounds = 5;
  int documents = 20'000;  ///< A round of full load.
  int every = 100;         ///< One of so many documents is deadly.
  int rate = 2'000;        ///< Documents a second of steady load.
  std::string extractor;
};

struct document_files {
  std::filesystem::path folder;
  std::string harmless;
  std::string deadly;

  document_files() {
    auto pattern = (std::filesystem::temp_directory_path() / "millrace-crash-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    harmless = folder / "harmless.txt";
    deadly = folder / "deadly.txt";
    std::string text;
    while (text.size() < document_bytes) text += "A paragraph about mills and canals.\n\n";
    std::ofstream{harmless} << text;
    std::ofstream{deadly} << bench::deadly_document;
  }
  ~document_files() { std::filesystem::remove_all(folder); }
  document_files(const document_files&) = delete;
  document_files& operator=(const document_files&) = delete;
};

struct round_figures {
  double seconds = 0;
  double cpu_seconds = 0;     ///< Of all processes, their start included.
  std::vector<double> waits;  ///< Seconds of the documents that were read, sorted.
  std::uint64_t lost = 0;     ///< Documents without an answer of their own.
  std::uint64_t crashes = 0;  ///< Of processes.

  double wait_at(double share) const {
    if (waits.empty()) return 0;
    const auto last = static_cast<double>(waits.size() - 1);
    return waits[static_cast<std::size_t>(share * last)];
  }
};

/// Whether document `number` of a round with crashes is a deadly one.
bool is_deadly(int number, int every) {
  return number % every == every / 2;
}

/// Of so many documents, those that is_deadly() names.
int deadly_among(int documents, int every) {
  const int first = every / 2;
  return documents > first ? (documents - 1 - first) / every + 1 : 0;
}

/// The clock of a round starts when the processes have: they are long-lived. Throws where they do
/// not start.
void wait_until_idle(const extractor_pool& pool, int workers) {
  const auto limit = clock_type::now() + longest_start;
  while (pool.stats().idle < workers) {
    if (clock_type::now() > limit)
      throw std::runtime_error{"the extractors were not ready after " +
                               std::to_string(longest_start.count()) +
                               " s; is --extractor the program crashing_extractor?"};
    std::this_thread::sleep_for(1ms);
  }
}

/// What answers of the pool touch; outlives it.
struct answers {
  std::mutex mutex;  ///< Of figures.
  round_figures figures;
  std::counting_semaphore<> room{documents_in_flight};
};

/// Hands the documents over and waits for their answers; `pause`: between the beginnings of two,
/// none: as soon as there is room.
void ask_all(extractor_pool& pool, const options& o, const document_files& files, int documents,
             bool crashes, std::optional<clock_type::duration> pause, answers& into) {
  const auto begin = clock_type::now();
  for (int i = 0; i < documents; ++i) {
    if (pause) std::this_thread::sleep_until(begin + i * *pause);
    into.room.acquire();
    const bool deadly = crashes && is_deadly(i, o.every);
    const auto asked = clock_type::now();
    pool.extract({deadly ? files.deadly : files.harmless, deadly ? 1 : document_bytes},
                 [&into, asked](const result<extracted_document>& document) {
                   const seconds waited = clock_type::now() - asked;
                   {
                     const std::lock_guard lock{into.mutex};
                     if (document)
                       into.figures.waits.push_back(waited.count());
                     else
                       ++into.figures.lost;
                   }
                   into.room.release();
                 });
  }
  for (int i = 0; i < documents_in_flight; ++i) into.room.acquire();
  into.figures.seconds = seconds{clock_type::now() - begin}.count();
}

round_figures run_round(const options& o, const document_files& files, int documents, bool crashes,
                        std::optional<clock_type::duration> pause) {
  answers into;
  auto& figures = into.figures;
  const auto cpu_before = bench::cpu_seconds_so_far();
  {
    extractor_pool_config config{o.extractor, {}, {}, {}};
    config.settings.processes = o.workers;
    extractor_pool pool{config};
    wait_until_idle(pool, o.workers);
    ask_all(pool, o, files, documents, crashes, pause, into);
    figures.crashes = pool.stats().crashes;
  }
  figures.cpu_seconds = bench::cpu_seconds_so_far() - cpu_before;
  std::sort(figures.waits.begin(), figures.waits.end());
  return figures;
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

void print(const char* what, const std::vector<double>& rounds, const char* note = "") {
  std::printf("  %-58s %8.2f ms (rounds:", what, median(rounds));
  for (const double r : rounds) std::printf(" %.2f", r);
  std::printf("%s)\n", note);
}

/// False where a crash cost another document than its own.
bool is_as_asked(const round_figures& with, int documents, int every) {
  const auto deadly = static_cast<std::uint64_t>(deadly_among(documents, every));
  const auto tries = static_cast<std::uint64_t>(extraction_settings{}.crash_attempts);
  if (with.lost == deadly && with.crashes == deadly * tries) return true;
  std::printf("  %ju documents were lost and %ju processes died for %ju deadly documents\n",
              std::uintmax_t{with.lost}, std::uintmax_t{with.crashes}, std::uintmax_t{deadly});
  return false;
}

bool bench_full(const options& o, const document_files& files) {
  std::vector<double> added, cpu_added, rate;
  bool well = true;
  for (int i = 0; i < o.rounds; ++i) {
    const auto without = run_round(o, files, o.documents, false, std::nullopt);
    const auto with = run_round(o, files, o.documents, true, std::nullopt);
    well = is_as_asked(with, o.documents, o.every) && well;
    const auto crashes = static_cast<double>(std::max<std::uint64_t>(with.crashes, 1));
    added.push_back((with.seconds - without.seconds) * 1e3 / crashes);
    cpu_added.push_back((with.cpu_seconds - without.cpu_seconds) * 1e3 / crashes);
    rate.push_back(o.documents / without.seconds);
  }
  std::printf(
      "full load: %d texts of 1 KiB, %d processes, one document in %d deadly; %.0f/s without\n",
      o.documents, o.workers, o.every, median(rate));
  print("a crash adds to the whole", added, "; under 50 wanted");
  print("a crash adds in CPU time", cpu_added);
  return well;
}

bool bench_steady(const options& o, const document_files& files) {
  std::vector<double> longest_without, longest_with, usual_without, usual_with, added;
  bool well = true;
  // A crash every half second: each is over before the next.
  auto spread = o;
  spread.every = std::max(o.rate / 2, 2);
  const int documents = spread.every * 10;
  const clock_type::duration pause = std::chrono::nanoseconds{1s} / o.rate;
  for (int i = 0; i < o.rounds; ++i) {
    const auto without = run_round(spread, files, documents, false, pause);
    const auto with = run_round(spread, files, documents, true, pause);
    well = is_as_asked(with, documents, spread.every) && well;
    longest_without.push_back(without.wait_at(1) * 1e3);
    longest_with.push_back(with.wait_at(1) * 1e3);
    usual_without.push_back(without.wait_at(0.5) * 1e3);
    usual_with.push_back(with.wait_at(0.5) * 1e3);
    added.push_back(longest_with.back() - longest_without.back());
  }
  std::printf("steady load: %d texts/s, one document in %d deadly\n", o.rate, spread.every);
  print("median wait of the others, no crashes", usual_without);
  print("median wait of the others, with crashes", usual_with);
  print("longest wait of the others, no crashes", longest_without);
  print("longest wait of the others, with crashes", longest_with);
  print("a crash adds to the longest wait", added, "; under 50 wanted");
  return well;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{"What a parser's crash costs the other documents"};
  app.add_option("--workers", o.workers, "Processes")->check(CLI::Range(1, 64));
  app.add_option("--rounds", o.rounds, "Alternating runs")->check(CLI::Range(1, 100));
  app.add_option("--documents", o.documents, "In a round of full load")
      ->check(CLI::Range(1'000, 10'000'000));
  app.add_option("--every", o.every, "One of so many documents is deadly")
      ->check(CLI::Range(2, 1'000'000));
  app.add_option("--rate", o.rate, "Documents a second of steady load")
      ->check(CLI::Range(10, 1'000'000));
  app.add_option("--extractor", o.extractor, "crashing_extractor")->required();
  CLI11_PARSE(app, argc, argv);
  const document_files files;
  try {
    const bool full = bench_full(o, files);
    const bool steady = bench_steady(o, files);
    return full && steady ? 0 : 1;
  } catch (const std::runtime_error& e) {
    std::fprintf(stderr, "crash_bench: %s\n", e.what());
    return 1;
  }
}
