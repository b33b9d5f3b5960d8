// While one of these lives, what C libraries print to standard error goes to nobody: libjpeg,
// libpng, libtiff and tesseract report there what is wrong with an image, and damaged images are
// the rule here. Only in processes that read one document at a time: `stderr` is the process's.
// Descriptor 2 and std::cerr stay as they are.
#pragma once

#include <cstdio>

namespace millrace::parsers {

class quiet_stderr {
 public:
  quiet_stderr();
  ~quiet_stderr();
  quiet_stderr(const quiet_stderr&) = delete;
  quiet_stderr& operator=(const quiet_stderr&) = delete;

 private:
  std::FILE* loud_;
};

}  // namespace millrace::parsers
