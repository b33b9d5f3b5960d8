// millrace-extractor: parses documents for a node, in a process of its own because documents may be
// hostile. Started by the node with a socket as descriptor 3 (runtime/extraction/protocol.hpp); not
// meant to be run by hand.
#include <clocale>
#include <csignal>
#include <cstdio>

#include <sys/prctl.h>
#include <sys/socket.h>

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

int main() {
  namespace extraction = millrace::extraction;
  if (!is_socket(extraction::extractor_socket)) {
    std::fputs(
        "millrace-extractor is started by millrace; to read one file use: millrace extract FILE\n",
        stderr);
    return 2;
  }
  ::prctl(PR_SET_PDEATHSIG,
          SIGKILL);  // beside the end of the socket, which a busy parser does not see
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  std::setlocale(LC_CTYPE, "C.UTF-8");  // names inside containers; the environment is empty
  extraction::channel node{extraction::descriptor{extraction::extractor_socket}};
  return extraction::serve(node, {parse, read_image});
}
