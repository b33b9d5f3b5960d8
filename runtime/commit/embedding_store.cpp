#include "runtime/commit/embedding_store.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <unistd.h>

namespace millrace {

/// Its name is gone as soon as it is open: whatever ends the process ends the file.
class embedding_store::scratch_file {
 public:
  scratch_file() {
    std::error_code no_folder;
    const auto folder = std::filesystem::temp_directory_path(no_folder);
    open_error_ = no_folder.value();
    if (no_folder) return;
    auto name = (folder / "millrace-scratch-XXXXXX").native();
    fd_ = ::mkostemp(name.data(), O_CLOEXEC);
    open_error_ = fd_ < 0 ? errno : 0;
    if (fd_ >= 0) ::unlink(name.c_str());
  }
  ~scratch_file() {
    if (fd_ >= 0) ::close(fd_);
  }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;

  /// False with errno.
  bool write(std::uint64_t offset, const std::string& bytes) const {
    if (fd_ < 0) {
      errno = open_error_;
      return false;
    }
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done,
                              static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      done += static_cast<std::size_t>(n);
    }
    return true;
  }

  std::string read(std::uint64_t offset, std::size_t size) const {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const auto n =
          ::pread(fd_, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        throw std::system_error{n < 0 ? errno : EIO, std::generic_category(),
                                "reading the scratch file of a document"};
      done += static_cast<std::size_t>(n);
    }
    return bytes;
  }

 private:
  int fd_ = -1;
  int open_error_ = 0;  ///< errno.
};

void embedding_store::push_back(embedding_bytes value) {
  bytes_ += value.size();
  values_.push_back(std::move(value));
  if (bytes_ > limit_ && !failed_) spill();
}

embedding_bytes embedding_store::operator[](std::size_t i) const {
  if (i >= places_.size()) return values_[i - places_.size()];
  return file_->read(places_[i].offset, places_[i].size);
}

void embedding_store::clear() {
  *this = embedding_store{limit_};
}

std::vector<embedding_bytes> embedding_store::all() const {
  std::vector<embedding_bytes> values;
  values.reserve(size());
  for (std::size_t i = 0; i < size(); ++i) values.push_back((*this)[i]);
  return values;
}

void embedding_store::spill() {
  if (!file_) file_ = std::make_shared<scratch_file>();
  auto end = places_.empty() ? 0 : places_.back().offset + places_.back().size;
  std::size_t written = 0;
  for (; written < values_.size() && !failed_; ++written) {
    const auto& value = values_[written];
    if (!file_->write(end, value)) {
      failed_ = true;
      spdlog::warn(
          "a scratch file in $TMPDIR cannot be written, a large document stays in memory: {}",
          std::generic_category().message(errno));
      break;
    }
    places_.push_back({end, value.size()});
    end += value.size();
    bytes_ -= value.size();
  }
  values_.erase(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(written));
}

}  // namespace millrace
