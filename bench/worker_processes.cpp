#include "bench/worker_processes.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <new>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace millrace::bench {

namespace {

using clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

double cpu_seconds_of(int who) {
  rusage used{};
  ::getrusage(who, &used);
  return seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
}

}  // namespace

void totals::print() const {
  std::printf("seconds %.4f cpu_seconds %.4f documents %ju pages %ju bytes %ju failed %ju\n",
              seconds, cpu_seconds, std::uintmax_t{documents}, std::uintmax_t{pages},
              std::uintmax_t{bytes}, std::uintmax_t{failed});
}

std::vector<std::string> read_paths(std::istream& in) {
  std::vector<std::string> paths;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) paths.push_back(line);
  return paths;
}

double cpu_seconds_so_far() {
  return cpu_seconds_of(RUSAGE_SELF) + cpu_seconds_of(RUSAGE_CHILDREN);
}

totals run_in_processes(int workers, const std::vector<std::string>& paths,
                        const std::function<void(const std::string&, shared_totals&)>& work) {
  void* memory = ::mmap(nullptr, sizeof(shared_totals), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("mmap");
  auto& shared = *new (memory) shared_totals;
  const auto begin = clock::now();
  const auto cpu_before = cpu_seconds_so_far();
  for (int i = 0; i < workers; ++i) {
    const auto child = ::fork();
    if (child < 0) give_up("fork");
    if (child > 0) continue;
    for (auto at = shared.next++; at < paths.size(); at = shared.next++) work(paths[at], shared);
    ::_exit(0);
  }
  bool all_well = true;
  for (int status = 0; ::wait(&status) > 0;) all_well = all_well && status == 0;
  if (!all_well) {
    std::fputs("a process of the benchmark died\n", stderr);
    std::exit(1);
  }
  totals out{std::chrono::duration<double>(clock::now() - begin).count(),
             cpu_seconds_so_far() - cpu_before,
             shared.documents,
             shared.pages,
             shared.bytes,
             shared.failed};
  ::munmap(memory, sizeof(shared_totals));
  return out;
}

}  // namespace millrace::bench
