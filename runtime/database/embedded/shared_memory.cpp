#include "runtime/database/embedded/shared_memory.hpp"

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/unique_fd.hpp"
#include "runtime/database/disk_lookup.hpp"

namespace millrace::postgres {

namespace {

namespace fs = std::filesystem;

const fs::path memory_files = "/dev/shm";
constexpr auto memory_file_prefix = "PostgreSQL.";
constexpr int oldest_layout = 14;
/// The line of postmaster.pid (storage/pidfile.h) that names the segment: its key and its id.
constexpr int segment_line = 7;
/// PostgreSQL asks for a segment whose key is the folder's inode, and if another has that, for the
/// next key. So many are looked at.
constexpr ino_t keys_tried = 8;
/// What one control segment may list; PostgreSQL's own limit is 64 and 5 a connection.
constexpr std::uint32_t max_items = 100'000;

/// A process makes its control segment so soon after its System V segment, and writes into it so
/// soon after that.
constexpr std::time_t control_follows_s = 60;
constexpr std::chrono::milliseconds written_within{200};

/// PGShmemHeader (storage/pg_shmem.h).
struct segment_header {
  static constexpr std::int32_t right_magic = 679834894;
  std::int32_t magic;
  pid_t creator;
  std::size_t total_size;
  std::size_t free_offset;
  std::uint32_t control;  ///< Handle of the control segment.
  void* index;
  dev_t device;  ///< Of the cluster's folder.
  ino_t inode;
};

/// dsm_control_header and dsm_control_item (storage/ipc/dsm.c).
struct control_header {
  static constexpr std::uint32_t right_magic = 0x9a503d32;
  std::uint32_t magic;
  std::uint32_t items;
  std::uint32_t max_items;
};
struct control_item {
  std::uint32_t handle;
  std::uint32_t references;  ///< 0: gone.
  std::size_t first_page;
  std::size_t pages;  ///< Above 0: a part of the main segment, no file.
  void* private_handle;
  bool pinned;
};
constexpr std::size_t first_item = 16;  // the header, aligned for an item

std::optional<int> noted_segment(const fs::path& folder) {
  const auto file = read_if_there(folder / "postmaster.pid").value_or(std::nullopt);
  if (!file) return std::nullopt;
  std::istringstream lines{*file};
  std::string line;
  for (int i = 0; i < segment_line; ++i)
    if (!std::getline(lines, line)) return std::nullopt;
  std::istringstream numbers{line};
  std::uint64_t key = 0;
  int id = 0;
  if (numbers >> key >> id) return id;
  return std::nullopt;
}

/// The segments that may be the folder's: the one that it notes, and, since a process may be killed
/// before it notes its own, those with the folder's keys.
std::vector<int> segments_of(const fs::path& folder, ino_t inode) {
  std::vector<int> found;
  if (const auto noted = noted_segment(folder)) found.push_back(*noted);
  for (auto key = inode; key < inode + keys_tried; ++key)
    if (const int id = ::shmget(static_cast<key_t>(key), 0, 0); id >= 0) found.push_back(id);
  return found;
}

bool is_alive(pid_t process) {
  return ::kill(process, 0) == 0 || errno != ESRCH;
}

struct former_segment {
  segment_header header{};
  std::time_t made = 0;
};

/// The segment if it is this folder's and nobody's any more. Its header is all zero where its
/// creator was killed before it wrote one: then the key alone says whose it is.
std::optional<former_segment> former(int id, const struct stat& folder, uid_t owner) {
  shmid_ds state{};
  if (::shmctl(id, IPC_STAT, &state) != 0 || state.shm_nattch != 0 || state.shm_perm.uid != owner ||
      state.shm_segsz < sizeof(segment_header))
    return std::nullopt;
  const auto* memory = ::shmat(id, nullptr, SHM_RDONLY);
  if (memory == reinterpret_cast<void*>(-1)) return std::nullopt;
  former_segment found{.made = state.shm_ctime};
  auto& header = found.header;
  std::memcpy(&header, memory, sizeof header);
  ::shmdt(memory);
  const auto untouched =
      header.magic == 0 && state.shm_segsz == sizeof(segment_header) && !is_alive(state.shm_cpid);
  const auto fits = header.magic == segment_header::right_magic && header.device == folder.st_dev &&
                    header.inode == folder.st_ino;
  return fits || untouched ? std::optional{found} : std::nullopt;
}

fs::path file_of(std::uint32_t handle) {
  return memory_files / (memory_file_prefix + std::to_string(handle));
}

void remove_file_of(std::uint32_t handle, uid_t owner) {
  struct stat file {};
  if (::lstat(file_of(handle).c_str(), &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == owner)
    ::unlink(file_of(handle).c_str());
}

/// The control segment, and all that it lists.
void remove_files(std::uint32_t control, uid_t owner) {
  const auto file = unique_fd{::open(file_of(control).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  control_header header{};
  if (!file || ::pread(file.get(), &header, sizeof header, 0) != ssize_t{sizeof header} ||
      header.magic != control_header::right_magic)
    return;
  for (std::uint32_t i = 0; i < std::min(header.items, max_items); ++i) {
    control_item item{};
    const auto at = static_cast<off_t>(first_item + i * sizeof item);
    if (::pread(file.get(), &item, sizeof item, at) != ssize_t{sizeof item}) break;
    if (item.references > 0 && item.pages == 0) remove_file_of(item.handle, owner);
  }
  remove_file_of(control, owner);
}

bool is_blank(const fs::path& name, uid_t owner, std::time_t from) {
  const auto file = unique_fd{::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  struct stat status {};
  std::uint32_t magic = 0;
  return file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_uid == owner && status.st_mtime >= from &&
         status.st_mtime <= from + control_follows_s &&
         ::pread(file.get(), &magic, sizeof magic, 0) >= 0 && magic == 0;
}

/// The control segment of a process that was killed before it noted that one: made soon after its
/// System V segment, and still without a word where a living process has long written one.
void remove_blank_files(std::time_t segment_made, uid_t owner) {
  std::vector<fs::path> blank;
  for (const auto& name : names_in(memory_files).value_or(std::vector<std::string>{}))
    if (name.starts_with(memory_file_prefix) && is_blank(memory_files / name, owner, segment_made))
      blank.push_back(memory_files / name);
  if (blank.empty()) return;
  std::this_thread::sleep_for(written_within);
  for (const auto& name : blank)
    if (is_blank(name, owner, segment_made)) ::unlink(name.c_str());
}

}  // namespace

void remove_shared_memory(const fs::path& folder, uid_t owner) {
  struct stat status {};
  const auto version = read_if_there(folder / "PG_VERSION").value_or(std::nullopt);
  if (!version || std::atoi(version->c_str()) < oldest_layout ||
      ::stat(folder.c_str(), &status) != 0)
    return;
  for (const int id : segments_of(folder, status.st_ino)) {
    const auto segment = former(id, status, owner);
    if (!segment) continue;
    if (segment->header.control != 0)
      remove_files(segment->header.control, owner);
    else
      remove_blank_files(segment->made, owner);
    ::shmctl(id, IPC_RMID, nullptr);
  }
}

}  // namespace millrace::postgres
