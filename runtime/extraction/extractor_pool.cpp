#include "runtime/extraction/extractor_pool.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <thread>
#include <vector>

#include <sys/eventfd.h>
#include <unistd.h>

#include "config/load.hpp"
#include "runtime/extraction/worker.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

namespace {

/// A budget in which not even the lowest cap fits could serve nobody.
constexpr std::uint64_t min_budget = (64_MiB).bytes;

std::uint64_t budget_of(const extraction_settings& s) {
  return std::max(min_budget, memory_budget_bytes(s, extraction::available_memory_bytes()));
}

std::size_t workers_of(const extraction_settings& s) {
  if (s.processes > 0) return static_cast<std::size_t>(s.processes);
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

struct extractor_pool::impl {
  explicit impl(const extractor_pool_config& config)
      : shared{budget_of(config.settings)},
        built_in{config, arguments_of(config), workers_of(config.settings), shared} {
    for (const auto& other : config.others) {
      std::vector<std::string> arguments{"--sandbox", "--"};
      arguments.insert(arguments.end(), other.command.begin(), other.command.end());
      auto& pool = others.emplace_back(
          std::make_unique<extraction::pool_state>(config, arguments, built_in.workers, shared));
      pool->starts_at_need = true;
      built_in.others[other.mime] = pool.get();
    }
    try {
      start(built_in);
      for (auto& other : others) start(*other);
    } catch (...) {  // no more threads: those that were made would wait for ever
      end();
      throw;
    }
  }

  ~impl() { end(); }

  void end() {
    auto waiting = built_in.queue.close();
    for (auto& other : others) {
      auto more = other->queue.close();
      std::move(more.begin(), more.end(), std::back_inserter(waiting));
    }
    for (auto& document : waiting) document.waits = {};
    shared.budget.close();
    ::eventfd_write(shared.stop.get(), 1);
    for (auto& document : waiting) document.done(draining());
    for (auto& thread : threads) thread.join();
  }

  /// With what the built-in extractor leaves to others.
  static std::vector<std::string> arguments_of(const extractor_pool_config& config) {
    auto arguments = extraction::sandbox_arguments(config.settings);
    for (const auto& other : config.others) {
      arguments.emplace_back("--redirect");
      arguments.push_back(other.mime);
    }
    return arguments;
  }

  void start(extraction::pool_state& pool) {
    for (std::size_t i = 0; i < pool.workers; ++i)
      threads.emplace_back("extractor pool", [&pool] { extraction::worker{pool}.run(); });
  }

  static tl::unexpected<error> draining() {
    return fail(ec::draining, "the node is shutting down; the document stays queued");
  }

  extraction::pool_shared shared;
  extraction::pool_state built_in;
  std::vector<std::unique_ptr<extraction::pool_state>> others;  ///< Users' own parsers.
  std::vector<runtime_thread> threads;
};

extractor_pool::extractor_pool(extractor_pool_config config)
    : impl_{std::make_unique<impl>(config)} {}

extractor_pool::~extractor_pool() = default;

void extractor_pool::extract(extraction_request request, extraction_callback done) {
  if (const auto progress = request.progress) {
    ++progress->held;
    const std::shared_ptr<void> counted{nullptr, [progress](void*) { --progress->held; }};
    done = [counted, done = std::move(done)](auto outcome) { done(std::move(outcome)); };
  }
  extraction::waiting_document document{std::move(request), std::move(done)};
  document.waits = extraction::counted{impl_->shared.stats.waiting};
  if (impl_->built_in.queue.add(document)) return;
  document.waits = {};
  document.done(impl::draining());
}

const extractor_pool_stats& extractor_pool::stats() const {
  return impl_->shared.stats;
}

}  // namespace millrace
