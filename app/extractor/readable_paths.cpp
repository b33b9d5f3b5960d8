#include "app/extractor/readable_paths.hpp"

#include <array>

#include <glob.h>

namespace millrace::extraction {

namespace {

using access = landlock_rules::access;

constexpr std::array parsers {
  readable_path{"/usr/lib*/gconv", "glibc's charset converters"},
      readable_path{"/usr/lib/*/gconv", "the same, where Debian has them"},
      readable_path{"/usr/lib/file", "libmagic's database"},
      readable_path{"/usr/share/file", "the same, elsewhere"},
      readable_path{"/usr/share/misc/magic*", "the same, by its usual name"},
      readable_path{"/etc/magic", "libmagic's local additions"},
      readable_path{"/usr/share/poppler", "encodings of Chinese, Japanese and Korean PDFs"},
      readable_path{"/usr/share/fonts", "fonts for PDFs that do not bring theirs"},
      readable_path{"/usr/local/share/fonts", "the same, installed by hand"},
      readable_path{"/usr/share/ghostscript/fonts", "where fontconfig looks for the same"},
      readable_path{"/usr/share/fontconfig", "which font replaces which"},
      readable_path{"/etc/fonts", "the same, chosen here"},
      readable_path{"/var/cache/fontconfig", "what fontconfig knows of the fonts"},
      readable_path{"/usr/share/tesseract-ocr", "what tesseract has learned of scripts"},
      readable_path{"/usr/share/tessdata", "the same, elsewhere"},
      readable_path{"/usr/share/zoneinfo", "local time of dates in documents"},
      readable_path{"/etc/localtime", "which of them is local"},
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
      // Sanitizer builds only, see system_calls.cpp.
      readable_path{"/proc", "sanitizers look at maps, threads and symbols"},
#endif
};

constexpr std::array programs{
    readable_path{"/usr", "programs, interpreters, libraries", access::read_and_execute},
    readable_path{"/bin", "the same, where it is no link to /usr", access::read_and_execute},
    readable_path{"/sbin", "the same", access::read_and_execute},
    readable_path{"/lib*", "the same", access::read_and_execute},
    // Not all of /etc: the node's own configuration may be there, with a password in it.
    readable_path{"/etc/ld.so.*", "where libraries are"},
    readable_path{"/etc/alternatives", "which of several programs has a name",
                  access::read_and_execute},
    readable_path{"/etc/passwd", "names of users"},
    readable_path{"/etc/group", "names of groups"},
    readable_path{"/etc/nsswitch.conf", "where those names are"},
    readable_path{"/etc/localtime", "local time"},
    readable_path{"/etc/fonts", "fonts"},
    readable_path{"/etc/magic", "libmagic"},
    readable_path{"/etc/mime.types", "names of formats"},
    readable_path{"/etc/python3*", "Python"},
    readable_path{"/etc/java-*", "Java"},
    readable_path{"/etc/perl", "Perl"},
    readable_path{"/var/cache/fontconfig", "fonts"},
    readable_path{"/dev/null", "where scripts send what nobody reads", access::read_and_write},
    readable_path{"/dev/zero", "zeros"},
    readable_path{"/dev/urandom", "random numbers"},
};

}  // namespace

std::span<const readable_path> paths_of_parsers() {
  return parsers;
}

std::span<const readable_path> paths_of_programs() {
  return programs;
}

std::vector<std::string> expand(const readable_path& p) {
  std::vector<std::string> paths;
  glob_t found{};
  if (::glob(p.pattern, GLOB_NOSORT, nullptr, &found) == 0)
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

}  // namespace millrace::extraction
