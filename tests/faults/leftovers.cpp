#include "tests/faults/leftovers.hpp"

#include <fstream>
#include <sstream>

#include <sys/stat.h>

#include "tests/integration/program.hpp"

namespace millrace {

namespace {

namespace fs = std::filesystem;

std::vector<pid_t> all_processes() {
  std::vector<pid_t> found;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator{"/proc", gone})
    if (const auto pid = std::atoi(entry.path().filename().c_str()); pid > 0) found.push_back(pid);
  return found;
}

fs::path proc(pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

std::string mapped_files() {
  std::string maps;
  for (const auto pid : all_processes()) maps += read_text(proc(pid) / "maps");
  return maps;
}

}  // namespace

std::vector<pid_t> processes_in(const fs::path& folder) {
  std::vector<pid_t> found;
  for (const auto pid : all_processes()) {
    std::error_code gone;
    const auto working = fs::read_symlink(proc(pid) / "cwd", gone).native();
    const auto words = read_text(proc(pid) / "cmdline");
    if (working.starts_with(folder.native()) || words.find(folder.native()) != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

pid_t holder_watch_of(const fs::path& data) {
  for (const auto pid : processes_in(data))
    if (read_text(proc(pid) / "comm") == "database-watch\n") return pid;
  return 0;
}

std::set<std::string> memory_without_owner() {
  std::set<std::string> found;
  std::ifstream segments{"/proc/sysvipc/shm"};
  std::string line;
  std::getline(segments, line);  // the names of the columns
  while (std::getline(segments, line)) {
    std::istringstream columns{line};
    std::string key, id, mode, size, creator, last;
    int attached = 0;
    if (columns >> key >> id >> mode >> size >> creator >> last >> attached && attached == 0)
      found.insert("segment " + id);
  }
  std::error_code gone;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator{"/dev/shm", gone})
    if (entry.path().filename().native().starts_with("PostgreSQL."))
      names.push_back(entry.path().native());
  const auto maps = names.empty() ? std::string{} : mapped_files();
  for (const auto& name : names)
    if (maps.find(name) == std::string::npos) found.insert(name);
  return found;
}

std::set<std::string> memory_of(pid_t pid) {
  std::set<std::string> found;
  std::ifstream maps{"/proc/" + std::to_string(pid) + "/maps"};
  for (std::string line; std::getline(maps, line);) {
    std::istringstream columns{line};
    std::string range, permissions, offset, device, inode, path;
    if (!(columns >> range >> permissions >> offset >> device >> inode >> path)) continue;
    if (path.starts_with("/dev/shm/PostgreSQL.")) found.insert(path);
    if (path.starts_with("/SYSV")) found.insert("segment " + inode);
  }
  return found;
}

}  // namespace millrace
