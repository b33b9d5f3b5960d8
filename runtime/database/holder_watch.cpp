#include "runtime/database/holder_watch.hpp"

#include <csignal>
#include <thread>

#include <sys/prctl.h>

#include "runtime/database/cluster.hpp"
#include "runtime/database/postmaster.hpp"

namespace millrace::postgres {

namespace {

/// Until the server has ended, or an interval has passed.
void await_end(const data_directory& directory) {
  const auto server = find_postmaster(directory).value_or(std::nullopt);
  const auto process = server ? process_handle::of(*server).value_or(std::nullopt) : std::nullopt;
  if (process)
    process->ended_within(holder_watch_interval);
  else
    std::this_thread::sleep_for(holder_watch_interval);
}

/// One check, with the start lock held. True if the watch is over.
bool is_over(const data_directory& directory, file_lock& holders) {
  const auto server = find_postmaster(directory);
  if (!server) return false;  // it cannot be told now
  // Even if there is no server: one that was killed with its holders left its sockets.
  const bool free = end_server_without_holders(directory, holders);
  if (!*server) return true;
  const auto left = find_postmaster(directory);
  return free && left && !*left;
}

}  // namespace

bool end_server_without_holders(const data_directory& directory, file_lock& holders) {
  if (!holders.try_exclusive()) return false;
  const auto server = find_postmaster(directory);
  // If it is unknown whether it runs, or it does not end, its sockets stay. The next process that
  // opens the directory checks again.
  if (!server || (*server && !stop_postmaster(directory, **server))) return true;
  std::error_code ignored;
  // Includes what killed nodes left there. Whoever has a live socket there holds the server.
  std::filesystem::remove_all(directory.socket_directory(), ignored);
  return true;
}

result<void> start_holder_watch(const data_directory& directory,
                                const std::filesystem::path& program_file) {
  auto watching = file_lock::open(directory.watch_lock());
  if (!watching) return tl::unexpected(watching.error());
  if (!watching->try_exclusive()) return {};
  watching->unlock();
  const program watch{.arguments = {program_file, holder_watch_command, directory.root},
                      .environment = server_environment()};
  auto started = start_daemon(watch, -1, -1);
  if (!started) return tl::unexpected(started.error());
  return {};
}

int run_holder_watch(const std::filesystem::path& path) {
  ::prctl(PR_SET_NAME, "database-watch");
  for (const auto number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_IGN);
  const auto directory = prepare_data_directory(path, false);
  if (!directory) return 1;
  auto watching = file_lock::open(directory->watch_lock());
  auto starting = file_lock::open(directory->start_lock());
  auto holders = file_lock::open(directory->holders_lock());
  if (!watching || !starting || !holders) return 1;
  if (!watching->try_exclusive()) return 0;  // another one watches
  while (true) {                             // ends with the server
    await_end(*directory);
    // Whoever starts or stops the server has the lock; it is asked for again.
    if (!starting->exclusive_within(holder_watch_interval)) continue;
    // The directory was moved or removed: what is at its path now has a watch of its own.
    if (!starting->is_at(directory->start_lock()) || !holders->is_at(directory->holders_lock()))
      return 0;
    const bool over = is_over(*directory, *holders);
    holders->unlock();
    // Before the start lock: whoever gets that finds out whether a watch runs.
    if (over) watching->unlock();
    starting->unlock();
    if (over) return 0;
  }
}

}  // namespace millrace::postgres
