#include "runtime/database/embedded/holder_watch.hpp"

#include <csignal>
#include <thread>

#include <sys/prctl.h>
#include <sys/stat.h>

#include "runtime/database/embedded/cluster.hpp"
#include "runtime/database/embedded/postmaster.hpp"
#include "runtime/database/embedded/socket_directory.hpp"
#include "runtime/threads/guarded.hpp"

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

/// An upgrade has put another cluster in the place of the held one.
bool is_exchanged(const data_directory& directory) {
  struct stat held {};
  struct stat there {};
  return ::stat(directory.cluster().c_str(), &held) == 0 &&
         ::stat((directory.root / "postgres").c_str(), &there) == 0 &&
         (held.st_ino != there.st_ino || held.st_dev != there.st_dev);
}

/// One look, with the start lock held. True if the watch is over.
bool is_over(const data_directory& directory, const file_lock& starting, file_lock& holders) {
  // Somebody removed the lock files: whoever made new ones is not seen by these.
  if (starting.is_replaced_at(directory.start_lock()) ||
      holders.is_replaced_at(directory.holders_lock()))
    return true;
  // Of holders of the new cluster the nodes start a watch for that one.
  return end_server_without_holders(directory, holders) || is_exchanged(directory);
}

int watch_directory(int descriptor) {
  directory_handle handle{unique_fd{descriptor}};
  if (!handle.hold_cluster()) return 1;
  const auto directory = handle.lookup();
  if (!directory) return 1;
  auto watching = file_lock::open(directory->watch_lock());
  auto starting = file_lock::open(directory->start_lock());
  auto holders = file_lock::open(directory->holders_lock());
  if (!watching || !starting || !holders) return 1;
  if (!watching->try_exclusive()) return 0;  // another one watches
  while (true) {
    await_end(*directory);
    // Whoever starts or stops the server has the lock; it is asked for again.
    if (!starting->exclusive_within(holder_watch_interval)) continue;
    const bool over = guarded("holder watch", [&] {
                        return is_over(*directory, *starting, *holders);
                      }).value_or(false);
    holders->unlock();
    // Before the start lock: whoever gets that finds out whether a watch runs.
    if (over) watching->unlock();
    starting->unlock();
    if (over) return 0;
  }
}

}  // namespace

bool end_server_without_holders(const data_directory& directory, file_lock& holders) {
  if (!holders.try_exclusive()) return false;
  const auto server = find_postmaster(directory);
  const auto used = socket_directory_in_use(directory);
  if (!server || !used) return false;
  const auto ended = *server ? stop_postmaster(directory, **server) : clear_leftovers(directory);
  if (!ended) return false;  // its sockets stay: the next who opens the directory looks again
  // With what killed nodes left in them: whoever has a socket there holds the server.
  if (const auto own = socket_directory_for(directory))
    remove_socket_directory(*own, directory.owner);
  if (*server && *used) remove_socket_directory(**used, directory.owner);
  return true;
}

result<bool> start_holder_watch(const data_directory& directory, const directory_handle& handle,
                                const std::filesystem::path& program_file) {
  auto watching = file_lock::open(directory.watch_lock());
  if (!watching) return tl::unexpected(watching.error());
  if (!watching->try_exclusive()) return false;
  watching->unlock();
  const program watch{.arguments = {program_file, holder_watch_command, directory.root,
                                    std::to_string(handle.descriptor())},
                      .environment = server_environment(),
                      .inherited = handle.descriptor()};
  auto started = start_daemon(watch, -1, -1);
  if (!started) return tl::unexpected(started.error());
  return true;
}

int run_holder_watch(int descriptor) noexcept {
  ::prctl(PR_SET_NAME, "database-watch");
  for (const auto number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_IGN);
  return guarded("holder watch", [&] { return watch_directory(descriptor); }).value_or(1);
}

}  // namespace millrace::postgres
