// A folder of a test's own below the system's temporary folder, removed with all it holds at the
// end. Others may enter it, because a server that root starts runs as another user.
#pragma once

#include <filesystem>
#include <string>

namespace millrace {

class temporary_directory {
 public:
  temporary_directory();
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace millrace
