#include "runtime/extraction/channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>

namespace millrace::extraction {

namespace {

constexpr std::size_t read_bytes = 64 << 10;
constexpr std::size_t max_files = 2 * max_frame_documents;
constexpr std::size_t control_bytes = CMSG_SPACE(max_frame_documents * sizeof(int));
constexpr int too_many_in_flight_pause_ms = 1;

/// Waits until the socket takes more; false at the deadline.
bool await_room(int socket, channel::clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - channel::clock::now());
  if (left.count() <= 0) return false;
  pollfd room{socket, POLLOUT, 0};
  return ::poll(&room, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000))) >= 0 ||
         errno == EINTR;
}

/// Takes the files that came with a message, all of them, so that none leaks.
void keep_files(msghdr& message, std::deque<unique_fd>& files) {
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      files.emplace_back(fd);
    }
  }
}

}  // namespace

channel::channel(unique_fd socket) : socket_{std::move(socket)} {}

bool channel::send(std::string_view bytes, std::span<const int> files, clock::time_point deadline) {
  alignas(cmsghdr) std::array<char, control_bytes> control{};
  while (!bytes.empty()) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!files.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(files.size_bytes());
      auto* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(files.size_bytes());
      std::memcpy(CMSG_DATA(header), files.data(), files.size_bytes());
    }
    const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      files = {};                        // they went with the first byte
    } else if (errno == ETOOMANYREFS) {  // files that other extractors have not taken yet fill the
                                         // user's limit
      if (clock::now() >= deadline) return false;
      ::poll(nullptr, 0, too_many_in_flight_pause_ms);
    } else if (errno != EINTR && (errno != EAGAIN || !await_room(socket_.get(), deadline))) {
      return false;
    }
  }
  return true;
}

channel::read_status channel::read(wait w) {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > 0 && buffer_.size() - end_ < read_bytes) {
    std::copy(buffer_.begin() + begin_, buffer_.begin() + end_, buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < read_bytes) buffer_.resize(end_ + read_bytes);

  alignas(cmsghdr) std::array<char, control_bytes> control;
  iovec part{buffer_.data() + end_, read_bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (w == wait::for_work) {  // only an extractor takes files; the kernel drops what a rogue sends
                              // to a node
    message.msg_control = control.data();
    message.msg_controllen = control.size();
  }
  const int flags = MSG_CMSG_CLOEXEC | (w == wait::none ? MSG_DONTWAIT : 0);
  const auto received = ::recvmsg(socket_.get(), &message, flags);
  if (received < 0)
    return errno == EAGAIN || errno == EINTR ? read_status::nothing : read_status::closed;
  keep_files(message, files_);
  if (received == 0 || files_.size() > max_files) return read_status::closed;
  end_ += static_cast<std::size_t>(received);
  return read_status::data;
}

result<std::optional<frame>> channel::next_frame() {
  std::string_view unread{buffer_.data() + begin_, end_ - begin_};
  auto taken = take_frame(unread);
  begin_ = end_ - unread.size();
  return taken;
}

std::optional<unique_fd> channel::next_file() {
  if (files_.empty()) return std::nullopt;
  auto file = std::move(files_.front());
  files_.pop_front();
  return file;
}

bool channel::quiet() const {
  char byte;
  return begin_ == end_ && ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         errno == EAGAIN;
}

}  // namespace millrace::extraction
