// millrace-extractor: parses documents for a node, in a process of its own because documents may be
// hostile, and locked in (sandbox.hpp). Started by the node with a socket as descriptor 3
// (runtime/extraction/protocol.hpp); not meant to be run by hand.
//
//   --without-landlock       goes on where the kernel cannot keep it from reading files
//   --redirect MIME          leaves documents of this type to another parser; may be repeated
//   --sandbox -- COMMAND...  becomes a parser of the user's own (launcher.hpp)
#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "app/extractor/launcher.hpp"
#include "app/extractor/sandbox.hpp"
#include "app/extractor/serve.hpp"
#include "runtime/parsers/ocr.hpp"
#include "runtime/parsers/parse.hpp"

namespace {

using namespace millrace;

struct options {
  extraction::without_landlock policy = extraction::without_landlock::refuse;
  std::vector<std::string> redirected;  ///< MIME types.
};

bool is_socket(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

options read_options(std::span<char*> words) {
  options o;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--without-landlock") o.policy = extraction::without_landlock::go_on;
    if (word == "--redirect" && i + 1 < words.size()) o.redirected.emplace_back(words[++i]);
  }
  return o;
}

result<extracted_document> parse(const extraction::parse_order& order) {
  parsers::parse_limits limits;
  limits.max_text_bytes = order.max_text_bytes;
  limits.images = order.images;
  limits.known_pages = order.known_pages;
  parsers::work_meter work{order.worked};
  limits.work = &work;
  return parsers::parse_document(order.bytes, limits, [&](const parsers::parse_progress& p) {
    order.page_done({p.pages, p.skipped_pages, p.elements, p.mime, p.pages_in_all, p.title});
  });
}

result<std::string> read_image(std::string_view bytes, const extraction::image_request& request) {
  const auto image = parsers::load_image(bytes, request.source, {});
  if (!image) return tl::unexpected{image.error()};
  parsers::ocr_options ocr;
  ocr.languages = request.languages;
  return parsers::read_image_text(*image, ocr);
}

extraction::parser_functions functions_of(const options& o) {
  extraction::parser_functions out{parse, read_image};
  if (o.redirected.empty()) return out;
  out.redirect = [mimes = o.redirected](std::string_view bytes) -> std::optional<std::string> {
    const auto mime = parsers::detect_mime(bytes);
    const bool other = mime && std::find(mimes.begin(), mimes.end(), *mime) != mimes.end();
    return other ? std::optional{*mime} : std::nullopt;
  };
  return out;
}

}  // namespace

int main(int count, char** arguments) {
  const std::span words{arguments, static_cast<std::size_t>(count)};
  const auto given = [&](std::size_t i, std::string_view word) {
    return words.size() > i && words[i] == word;
  };
  if (given(1, "--sandbox") && given(2, "--")) return extraction::run_in_sandbox(words.subspan(3));
  if (!is_socket(extraction::extractor_socket)) {
    std::fputs(
        "millrace-extractor is started by millrace; to read one file use: millrace extract FILE\n",
        stderr);
    return 2;
  }
  std::setlocale(LC_CTYPE, "C.UTF-8");  // names inside containers; the environment is empty
  // Where it is not set, libc looks at /etc/localtime for each time stamp in a ZIP's directory.
  ::setenv("TZ", "UTC0", 1);
  const auto o = read_options(words);
  if (const auto entered = extraction::enter_sandbox(o.policy); !entered) return entered.error();
  extraction::channel node{unique_fd{extraction::extractor_socket}};
  return extraction::serve(node, functions_of(o));
}
