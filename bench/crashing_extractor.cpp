// millrace-extractor, but for documents of one word, on which it dies: for crash_bench, which
// measures what that costs the others. It links every parser, so that a new process takes as long
// to start as the real one.
#include <clocale>
#include <csignal>

#include "app/extractor/sandbox.hpp"
#include "app/extractor/serve.hpp"
#include "bench/deadly_document.hpp"
#include "runtime/parsers/parse.hpp"

namespace {

using namespace millrace;

result<extracted_document> parse(const extraction::parse_order& order) {
  if (order.bytes == bench::deadly_document) ::raise(SIGSEGV);
  return parsers::parse_document(order.bytes, {}, [](const parsers::parse_progress&) {});
}

result<std::string> read_image(std::string_view, const extraction::image_request&) {
  return fail(ec::unsupported_format, "no images here");
}

}  // namespace

int main() {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  if (const auto entered = extraction::enter_sandbox(extraction::without_landlock::refuse);
      !entered)
    return entered.error();
  extraction::channel node{unique_fd{extraction::extractor_socket}};
  return extraction::serve(node, {parse, read_image});
}
