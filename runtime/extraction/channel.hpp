// One end of the socket between a node and an extractor: sends bytes with open files, and reads
// frames through a buffer, so that many frames cost one system call.
//
// One thread at a time. The buffer holds at most one frame of max_frame_bytes and one read of 64
// KiB; received files at most two requests' worth. Nothing blocks beyond the deadline that the
// caller gives, but an extractor's wait for work, which ends when the node closes its end.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/unique_fd.hpp"
#include "runtime/extraction/protocol.hpp"

namespace millrace::extraction {

class channel {
 public:
  using clock = std::chrono::steady_clock;
  enum class wait { none, for_work };
  enum class read_status { data, nothing, closed };

  explicit channel(unique_fd socket);

  int socket() const noexcept { return socket_.get(); }

  /// Sends all of `bytes`, the files with the first. False where the other end is gone or does not
  /// read in time.
  bool send(std::string_view bytes, std::span<const int> files, clock::time_point deadline);

  /// Reads once. `closed` also on an error, and where more files come than requests may have.
  read_status read(wait w);
  /// The next whole frame that was read; its payload is valid until the next read().
  result<std::optional<frame>> next_frame();
  /// The next file that was received.
  std::optional<unique_fd> next_file();

  /// True where nothing has come and the other end is there: what an idle extractor looks like.
  bool quiet() const;

 private:
  unique_fd socket_;
  std::string buffer_;
  std::size_t begin_ = 0;  ///< Of the bytes in buffer_ that are not taken yet.
  std::size_t end_ = 0;
  std::deque<unique_fd> files_;
};

}  // namespace millrace::extraction
