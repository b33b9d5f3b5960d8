#include "app/cli/full_screen.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/cli/signals.hpp"

namespace millrace::cli {

namespace {

// DEC private modes: 1049 is the alternate screen, 25 the cursor, 7 wrapping at the right edge.
constexpr std::string_view enter_sequence = "\033[?1049h\033[?25l\033[?7l";
constexpr std::string_view leave_sequence = "\033[?7h\033[?25h\033[?1049l";
constexpr std::string_view home = "\033[H";
constexpr std::string_view clear_line = "\033[2K";
constexpr std::string_view clear_below = "\033[J";

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

bool full_screen::possible() {
  const char* kind = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && kind != nullptr && std::string_view{kind} != "dumb" &&
         *kind != '\0';
}

full_screen::full_screen() {
  reads_keys_ = isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &before_) == 0;
  if (reads_keys_) {
    auto raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    raw.c_cc[VQUIT] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  write_all(enter_sequence);
}

full_screen::~full_screen() {
  write_all(leave_sequence);
  if (reads_keys_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

screen_size full_screen::size() {
  winsize w{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0) return {80, 24};
  return {w.ws_col, w.ws_row};
}

/// Each line is cleared before it is written: behind a full one the cursor stands on its last
/// character.
bool full_screen::draw(const std::vector<std::string>& lines) {
  std::string out{home};
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += "\r\n";
    out += clear_line;
    out += lines[i];
  }
  if (lines.size() < size().rows) {
    out += "\r\n";
    out += clear_below;
  }
  return write_all(out);
}

full_screen::event full_screen::wait(std::chrono::milliseconds patience, char& key) {
  if (wait_for_stop_signal(std::chrono::milliseconds{0}) != 0) return event::stop;
  if (!reads_keys_) return wait_for_stop_signal(patience) != 0 ? event::stop : event::nothing;
  pollfd keys{STDIN_FILENO, POLLIN, 0};
  if (::poll(&keys, 1, static_cast<int>(patience.count())) <= 0) return event::nothing;
  if (::read(STDIN_FILENO, &key, 1) == 1) return event::key;
  return event::stop;
}

}  // namespace millrace::cli
