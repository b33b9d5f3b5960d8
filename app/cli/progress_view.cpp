#include "app/cli/progress_view.hpp"

#include <algorithm>
#include <cstdio>

#include <unistd.h>

#include "app/cli/text.hpp"

namespace millrace::cli {

progress_view::progress_view(bool quiet, clock::time_point start)
    : quiet_{quiet}, terminal_{isatty(STDERR_FILENO) != 0}, start_{start}, last_plain_{start} {}

progress_view::~progress_view() {
  clear();
}

void progress_view::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void progress_view::say(const std::string& text) {
  clear();
  std::fprintf(stderr, "%s\n", text.c_str());
}

std::string progress_view::line(const run_progress& p) const {
  const auto done = p.ready + p.failed;
  const double elapsed = std::chrono::duration<double>(clock::now() - start_).count();
  const double rate =
      elapsed > 0 ? static_cast<double>(done - std::max<std::int64_t>(0, first_done_)) / elapsed
                  : 0;
  const auto left = p.total - done;
  char text[160];
  std::snprintf(text, sizeof text, "%s of %s done, %s failed, %.0f docs/s, ETA %s",
                thousands(done).c_str(), thousands(p.total).c_str(), thousands(p.failed).c_str(),
                rate,
                left == 0    ? "0s"
                : rate > 0.0 ? short_duration(static_cast<double>(left) / rate).c_str()
                             : "-");
  return text;
}

void progress_view::show(const run_progress& p) {
  if (p.notice != last_notice_) {
    last_notice_ = p.notice;
    if (!p.notice.empty()) say("paused: " + p.notice);
  }
  const auto done = p.ready + p.failed;
  first_done_ = first_done_ < 0 ? done : std::min(first_done_, done);  // a retry makes it less
  if (quiet_) return;
  if (terminal_) {
    constexpr int width = 30;
    const auto filled = p.total > 0 ? static_cast<int>(done * width / p.total) : 0;
    std::string bar = "[";
    for (int i = 0; i < width; ++i) bar += i < filled ? '#' : '.';
    std::fprintf(stderr, "\r\033[K%s] %s", bar.c_str(), line(p).c_str());
    std::fflush(stderr);
    drawn_ = true;
    return;
  }
  if (clock::now() - last_plain_ < plain_interval) return;
  last_plain_ = clock::now();
  std::fprintf(stderr, "%s\n", line(p).c_str());
}

}  // namespace millrace::cli
