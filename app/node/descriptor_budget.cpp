#include "app/node/descriptor_budget.hpp"

#include <algorithm>
#include <thread>

namespace millrace {

namespace {

constexpr std::uint64_t of_the_process = 64;   ///< Logs, epoll, timers, libraries, listeners.
constexpr std::uint64_t of_an_extractor = 2;   ///< Its socket and its pidfd.
constexpr std::uint64_t files_in_frames = 64;  ///< Two frames of 32 documents per extractor.
/// Pieces that others read, links with two each, and strangers at the port.
constexpr std::uint64_t of_the_links = 64 + 2 * 64 + 64;
constexpr std::uint64_t of_uploads = 16;
constexpr std::uint64_t api_servers = 2;  ///< On TCP and on the socket in the data directory.

}  // namespace

descriptor_budget plan_descriptors(const settings& s, bool has_links, std::uint64_t limit) {
  const auto count = [](int n) { return static_cast<std::uint64_t>(std::max(0, n)); };
  const auto processes = s.extraction.processes > 0
                             ? count(s.extraction.processes)
                             : std::uint64_t{std::max(1U, std::thread::hardware_concurrency())};
  descriptor_budget budget;
  budget.engine = of_the_process + count(s.database.pool_size) + count(s.database.max_overflow) +
                  processes * (of_an_extractor + files_in_frames) +
                  s.extractor.size() * processes * (of_an_extractor + files_in_frames) +
                  count(s.documents.concurrency) + of_uploads + (has_links ? of_the_links : 0);
  if (s.embedder.provider != "hashing") budget.engine += count(s.embedder.concurrency);
  const auto left = limit > budget.engine ? (limit - budget.engine) / api_servers : 0;
  budget.api_connections =
      static_cast<int>(std::clamp<std::uint64_t>(left, min_api_connections, max_api_connections));
  if (left < min_api_connections)
    budget.warning =
        "at most " + std::to_string(limit) +
        " files may be open, and this configuration may need " +
        std::to_string(budget.engine + api_servers * min_api_connections) +
        ": documents that find none wait. Raise the limit (ulimit -n, or LimitNOFILE of the "
        "service), or lower documents.concurrency";
  return budget;
}

}  // namespace millrace
