// millrace-extractor: parses documents for a node, in a process of its own because documents may be
// hostile, and locked in (sandbox.hpp). Started by the node with a socket as descriptor 3
// (runtime/extraction/protocol.hpp); not meant to be run by hand.
//
//   --without-landlock       goes on where the kernel cannot keep it from reading files
//   --sandbox -- COMMAND...  becomes a parser of the user's own (launcher.hpp)
#include <clocale>
#include <cstdio>
#include <span>
#include <string_view>

#include <sys/socket.h>

#include "app/extractor/launcher.hpp"
#include "app/extractor/sandbox.hpp"
#include "app/extractor/serve.hpp"
#include "runtime/parsers/parse.hpp"

namespace {

bool is_socket(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

millrace::result<millrace::extracted_document> parse(
    const millrace::extraction::parse_order& order) {
  millrace::parsers::parse_limits limits;
  limits.max_text_bytes = order.max_text_bytes;
  limits.images = order.images;
  limits.known_pages = order.known_pages;
  return millrace::parsers::parse_document(
      order.bytes, limits, [&](const millrace::parsers::parse_progress& p) {
        order.page_done({p.pages, p.skipped_pages, p.elements});
      });
}

millrace::result<std::string> read_image(std::string_view bytes,
                                         const millrace::extraction::image_request& request) {
  const auto image = millrace::parsers::load_image(bytes, request.source, {});
  if (!image) return tl::unexpected{image.error()};
  return millrace::fail(millrace::ec::unsupported_format, "images cannot be read yet");
}

}  // namespace

int main(int count, char** arguments) {
  namespace extraction = millrace::extraction;
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
  const auto policy = given(1, "--without-landlock") ? extraction::without_landlock::go_on
                                                     : extraction::without_landlock::refuse;
  if (const auto entered = extraction::enter_sandbox(policy); !entered) return entered.error();
  extraction::channel node{extraction::descriptor{extraction::extractor_socket}};
  return extraction::serve(node, {parse, read_image});
}
