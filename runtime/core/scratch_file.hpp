// A file below $TMPDIR without a name: whatever ends the process ends the file.
//
// One thread writes; any may read what is written. Reading and writing go to the page cache and may
// block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace {

class scratch_file {
 public:
  scratch_file();
  ~scratch_file();
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;

  /// False with errno; also where the file could not be made.
  bool write(std::uint64_t offset, std::string_view bytes) const;
  /// Throws std::system_error where `size` bytes cannot be read there.
  std::string read(std::uint64_t offset, std::size_t size) const;
  /// Where this process can open it.
  std::string path() const;

 private:
  int fd_ = -1;
  int open_error_ = 0;  ///< errno.
};

}  // namespace millrace
