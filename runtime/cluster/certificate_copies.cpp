#include "runtime/cluster/certificate_copies.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "runtime/cluster/certificates.hpp"
#include "runtime/core/system_error.hpp"
#include "runtime/threads/guarded.hpp"

namespace millrace {

namespace {

std::string path_of(const unique_fd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

std::string text_of(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Never on a disk: a key is in it.
result<unique_fd> in_memory(const std::string& text) {
  unique_fd fd{::memfd_create("millrace-link", MFD_CLOEXEC)};
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return tl::unexpected<error>(system_error(errno, "certificates cannot be kept in memory"));
  return fd;
}

}  // namespace

result<std::unique_ptr<certificate_copies>> certificate_copies::create(tls_settings files) {
  std::unique_ptr<certificate_copies> made{new certificate_copies{std::move(files)}};
  if (auto first = made->refresh(); !first) return tl::unexpected<error>(first.error());
  made->thread_ =
      runtime_thread{"certificates", [&c = *made](const std::stop_token& stop) { c.look(stop); }};
  return made;
}

certificate_copies::~certificate_copies() = default;

tls_settings certificate_copies::paths() const {
  return {path_of(pair_), path_of(pair_), path_of(authority_)};
}

std::string certificate_copies::state_of_files() const {
  std::string state;
  for (const auto* file : {&files_.certificate, &files_.key, &files_.ca}) {
    struct stat s {};
    if (::stat(file->c_str(), &s) != 0) s = {};
    for (const auto part : {static_cast<std::int64_t>(s.st_ino), std::int64_t{s.st_size},
                            std::int64_t{s.st_mtim.tv_sec}, std::int64_t{s.st_mtim.tv_nsec}})
      state += std::to_string(part) + ' ';
  }
  return state;
}

result<void> certificate_copies::refresh() {
  const std::lock_guard lock{mutex_};
  auto state = state_of_files();
  if (state == seen_) return {};
  seen_ = std::move(state);
  if (auto fits = check_certificates(files_); !fits) return fits;
  auto pair = in_memory(text_of(files_.certificate) + "\n" + text_of(files_.key));
  if (!pair) return tl::unexpected<error>(pair.error());
  auto authority = in_memory(text_of(files_.ca));
  if (!authority) return tl::unexpected<error>(authority.error());
  // Once more: the files may have changed in between.
  if (auto fits = check_certificates({path_of(*pair), path_of(*pair), path_of(*authority)}); !fits)
    return fits;
  if (!pair_) {
    pair_ = std::move(*pair);
    authority_ = std::move(*authority);
    return {};
  }
  ::dup3(authority->get(), authority_.get(), O_CLOEXEC);
  ::dup3(pair->get(), pair_.get(), O_CLOEXEC);
  spdlog::info("the links use the new certificate {}", files_.certificate);
  return {};
}

void certificate_copies::look(const std::stop_token& stop) {
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      ends_.wait_for(lock, stop, look_interval, [] { return false; });
    }
    if (stop.stop_requested()) return;
    if (const auto renewed = guarded("certificates", [this] { return refresh(); }); !renewed)
      spdlog::warn("the links go on with the former certificate: {}", renewed.error().message);
  }
}

}  // namespace millrace
