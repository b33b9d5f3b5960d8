#include "runtime/database/embedded/server_settings.hpp"

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace millrace::postgres {

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

std::uint64_t memory_bytes() {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto physical = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::uint64_t limit = 0;  // "max" does not parse, and means none
  if (std::ifstream file{"/sys/fs/cgroup/memory.max"}; file >> limit)
    return std::min(physical, limit);
  return physical;
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes / mebibyte) + "MB";
}

}  // namespace

std::uint64_t shared_buffers_bytes(std::uint64_t memory) {
  return std::clamp(memory / 8, 32 * mebibyte, 256 * mebibyte);
}

std::uint64_t max_wal_bytes(std::uint64_t free_space) {
  return std::clamp(free_space / 10, 128 * mebibyte, 8192 * mebibyte);
}

std::vector<std::string> server_settings(const data_directory& directory,
                                         const start_options& options) {
  return {
      "cluster_name=millrace",
      // Unix sockets are in our own folder only.
      "listen_addresses=" + options.listen_addresses,
      "port=5432",
      "unix_socket_directories=" + options.sockets.string(),
      "unix_socket_permissions=0700",
      "max_connections=" + std::to_string(options.max_connections),
      // Durability: everything is forced to the disk; no replica reads the WAL, so it may be
      // minimal.
      std::string{"fsync="} + (options.fsync ? "on" : "off"),
      "wal_level=minimal",
      "max_wal_senders=0",
      "max_wal_size=" + megabytes(max_wal_bytes(directory.free_bytes())),
      "checkpoint_timeout=15min",
      // Many short statements: compiling them never pays, and dead queue rows must go at once.
      "shared_buffers=" + megabytes(shared_buffers_bytes(memory_bytes())),
      "jit=off",
      "autovacuum_naptime=5s",
      "deadlock_timeout=100ms",
      // The log is for operators; it must not repeat users' text.
      "logging_collector=off",
      "log_destination=stderr",
      "log_line_prefix=%m [%p] %a ",
      "log_lock_waits=on",
      "log_min_error_statement=panic",
      "log_timezone=UTC",
      "timezone=UTC",
  };
}

}  // namespace millrace::postgres
