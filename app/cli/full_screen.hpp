// The terminal as a screen that is drawn again and again: the alternate screen of ANSI terminals,
// without a cursor, keys read one by one and not shown. The destructor puts everything back, and
// what stood there before is there again.
//
// One object at a time, for the main thread. Stop signals are blocked (signals.hpp) and come out of
// wait(); Ctrl-Z and Ctrl-\ do nothing, they would leave the terminal as it is.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <termios.h>

#include "app/cli/top_screen.hpp"

namespace millrace::cli {

class full_screen {
 public:
  /// True where standard output is a terminal that knows the sequences.
  static bool possible();
  /// As the terminal says now; 80 x 24 where it says nothing.
  static screen_size size();

  full_screen();
  ~full_screen();
  full_screen(const full_screen&) = delete;
  full_screen& operator=(const full_screen&) = delete;

  /// Lines must fit the size. False where the terminal is gone.
  bool draw(const std::vector<std::string>& lines);
  enum class event : std::uint8_t { nothing, key, stop };
  /// Waits at most `patience` for a key, a stop signal or the end of the terminal (`stop` too).
  event wait(std::chrono::milliseconds patience, char& key);

 private:
  bool reads_keys_ = false;
  termios before_{};
};

}  // namespace millrace::cli
