// What reading in processes of their own costs: the files named on standard input (one a line) are
// parsed in-process by `--workers` forked processes, hashed as the extractor does it, and by an
// extractor_pool of as many processes, in turn. Prints a line for each: "in_process ..." and
// "isolated ...".
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/worker_processes.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/parsers/parse.hpp"

namespace {

using namespace millrace;
using namespace std::chrono_literals;

/// As many documents as the document actors of a node hand to the pool at one time.
constexpr int documents_in_flight = 100;

void count(const result<extracted_document>& document, bench::shared_totals& totals) {
  if (!document) {
    ++totals.failed;
    return;
  }
  ++totals.documents;
  totals.pages += document->pages;
  for (const auto& e : document->elements) totals.bytes += e.text.size();
}

void parse_in_process(const std::string& path, bench::shared_totals& totals) {
  std::ifstream in{path, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  auto document = parsers::parse_document(bytes, {}, [](const parsers::parse_progress&) {});
  if (document) document->sha256 = sha256_hex(bytes);
  count(document, totals);
}

bench::totals parse_isolated(const std::filesystem::path& executable, int workers,
                             const std::vector<std::string>& paths) {
  bench::shared_totals shared;
  const auto cpu_before = bench::cpu_seconds_so_far();
  extraction_settings settings;
  settings.processes = workers;
  double seconds = 0;
  {
    extractor_pool pool{{executable, settings, {}, {}}};
    // The clock starts when the processes have: they are long-lived.
    while (pool.stats().idle < workers) std::this_thread::sleep_for(1ms);
    std::counting_semaphore<> room{documents_in_flight};
    const auto begin = std::chrono::steady_clock::now();
    for (const auto& path : paths) {
      room.acquire();
      pool.extract({path, std::filesystem::file_size(path)},
                   [&](const result<extracted_document>& document) {
                     count(document, shared);
                     room.release();
                   });
    }
    for (int i = 0; i < documents_in_flight; ++i) room.acquire();
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return {seconds,          bench::cpu_seconds_so_far() - cpu_before,
          shared.documents, shared.pages,
          shared.bytes,     shared.failed};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"What it costs to parse in processes of their own"};
  int workers = 2;
  int rounds = 3;
  std::string executable;
  app.add_option("--workers", workers, "Processes")->check(CLI::Range(1, 64));
  app.add_option("--rounds", rounds, "Alternating runs")->check(CLI::Range(1, 100));
  app.add_option("--extractor", executable, "millrace-extractor")->required();
  CLI11_PARSE(app, argc, argv);
  const auto paths = bench::read_paths(std::cin);
  for (int i = 0; i < rounds; ++i) {
    std::fputs("in_process ", stdout);
    bench::run_in_processes(workers, paths, parse_in_process).print();
    std::fputs("isolated ", stdout);
    parse_isolated(executable, workers, paths).print();
    std::fflush(stdout);
  }
}
