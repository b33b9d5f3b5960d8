#include "runtime/cluster/link_certificates.hpp"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "runtime/core/open_files.hpp"
#include "runtime/threads/guarded.hpp"

namespace millrace {

result<std::unique_ptr<link_certificates>> link_certificates::create(tls_settings files,
                                                                     std::string node) {
  std::unique_ptr<link_certificates> made{new link_certificates{std::move(files), std::move(node)}};
  if (auto first = made->refresh(); !first) return tl::unexpected<error>(first.error());
  made->thread_ = runtime_thread{"link certificates",
                                 [&c = *made](const std::stop_token& stop) { c.look(stop); }};
  return made;
}

link_certificates::~link_certificates() = default;

tls_context link_certificates::context() const {
  const std::lock_guard lock{mutex_};
  return context_;
}

std::string link_certificates::state_of_files() const {
  std::string state;
  for (const auto* file : {&files_.certificate, &files_.key, &files_.ca}) {
    struct stat s {};
    if (::stat(file->c_str(), &s) != 0) s = {};
    for (const auto part :
         {static_cast<std::int64_t>(s.st_ino), std::int64_t{s.st_size}, std::int64_t{s.st_mode},
          std::int64_t{s.st_mtim.tv_sec}, std::int64_t{s.st_mtim.tv_nsec}})
      state += std::to_string(part) + ' ';
  }
  return state;
}

result<void> link_certificates::refresh() {
  const std::lock_guard lock{mutex_};
  auto state = state_of_files();
  if (state == seen_) return {};
  seen_ = std::move(state);
  auto loaded = load_tls_context(files_, node_);
  if (!loaded) {
    if (descriptors_are_exhausted()) seen_.clear();  // or they would not be looked at again
    return tl::unexpected<error>(loaded.error());
  }
  if (context_) spdlog::info("the links use the new certificate {}", files_.certificate);
  context_ = std::move(*loaded);
  return {};
}

void link_certificates::look(const std::stop_token& stop) {
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      ends_.wait_for(lock, stop, look_interval, [] { return false; });
    }
    if (stop.stop_requested()) return;
    if (const auto renewed = guarded("link certificates", [this] { return refresh(); }); !renewed)
      spdlog::warn("the links keep the former certificate: {}", renewed.error().message);
  }
}

}  // namespace millrace
