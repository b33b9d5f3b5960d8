#include "runtime/parsers/quiet_stderr.hpp"

namespace millrace::parsers {

namespace {

ssize_t swallow(void*, const char*, std::size_t size) {
  return static_cast<ssize_t>(size);
}

/// A stream without a file behind it: the sandbox lets nobody open one for writing.
std::FILE* nobody() {
  static std::FILE* const stream = fopencookie(
      nullptr, "w", {.read = nullptr, .write = swallow, .seek = nullptr, .close = nullptr});
  return stream;
}

}  // namespace

quiet_stderr::quiet_stderr() : loud_{stderr} {
  if (auto* quiet = nobody()) stderr = quiet;
}

quiet_stderr::~quiet_stderr() {
  stderr = loud_;
}

}  // namespace millrace::parsers
