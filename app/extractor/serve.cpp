#include "app/extractor/serve.hpp"

#include <chrono>
#include <exception>
#include <new>
#include <string>

#include <malloc.h>

#include "app/extractor/document_bytes.hpp"
#include "app/extractor/memory_guard.hpp"
#include "runtime/core/sha256.hpp"

namespace millrace::extraction {

namespace {

using namespace std::chrono_literals;

constexpr auto answer_timeout =
    10min;  // for a node that does not read; it may be stopped in a debugger
constexpr auto progress_interval = 50ms;  // pages in between are not reported
constexpr std::uint64_t trim_above =
    1 << 20;  // bytes of a document after which free memory is given back

class server {
 public:
  server(channel& node, const parse_function& parse) : node_{node}, parse_{parse} {}

  int run() {
    append_hello(outgoing_);
    while (flush() && node_.read(channel::wait::for_work) != channel::read_status::closed)
      if (!serve_received()) return protocol_exit_code;
    return 0;
  }

 private:
  using clock = channel::clock;

  /// All whole requests that have come. False where one is nonsense.
  bool serve_received() {
    for (;;) {
      const auto next = node_.next_frame();
      if (!next) return false;
      if (!*next) return true;
      if ((*next)->type != frame_type::request) return false;
      const auto r = decode_request((*next)->payload);
      if (!r) return false;
      for (const auto& d : r->documents) {
        auto file = node_.next_file();
        if (!file) return false;
        answer(d, std::move(*file), r->max_text_bytes);
        // Before the next document begins: should that one crash, this one must not be blamed.
        if (!flush()) return true;
      }
    }
  }

  void answer(const document_request& d, descriptor file, std::uint64_t max_text_bytes) {
    auto outcome = parse_file(d, std::move(file), max_text_bytes);
    if (!outcome) return append_failure(outgoing_, {d.number, outcome.error()});
    document_encoder encoder{d.number, *outcome};
    while (encoder.append_next(outgoing_))
      if (outgoing_.size() > flush_above && !flush()) return;
    if (d.size < trim_above) return;
    outcome = extracted_document{};
    ::malloc_trim(0);
  }

  result<extracted_document> parse_file(const document_request& d, descriptor file,
                                        std::uint64_t max_text_bytes) {
    const auto bytes = bytes_.load(std::move(file), d.size);
    if (!bytes) return tl::unexpected{bytes.error()};
    auto reported = clock::now();
    const auto page_done = [&](std::uint32_t pages) {
      const auto now = clock::now();
      if (now - reported < progress_interval) return;
      reported = now;
      append_progress(outgoing_, {d.number, pages});
      flush();
    };
    auto outcome = guarded_parse(*bytes, max_text_bytes, page_done);
    if (outcome) {
      outcome->size = bytes->size();
      outcome->sha256 = sha256_hex(*bytes);
    }
    bytes_.unload();
    return outcome;
  }

  result<extracted_document> guarded_parse(std::string_view bytes, std::uint64_t max_text_bytes,
                                           const std::function<void(std::uint32_t)>& page_done) {
    try {
      return parse_(bytes, max_text_bytes, page_done);
    } catch (const std::bad_alloc&) {
      end_out_of_memory();
    } catch (const std::exception& e) {
      return fail(ec::extraction_crashed,
                  std::string{"the parser gave up on this document: "} + e.what());
    }
  }

  bool flush() {
    const bool sent = node_.send(outgoing_, {}, clock::now() + answer_timeout);
    outgoing_.clear();
    if (!sent) node_is_gone_ = true;
    return !node_is_gone_;
  }

  static constexpr std::size_t flush_above = 256 << 10;  // bytes

  channel& node_;
  const parse_function& parse_;
  document_bytes bytes_;
  std::string outgoing_;
  bool node_is_gone_ = false;
};

}  // namespace

int serve(channel& node, const parse_function& parse) {
  return server{node, parse}.run();
}

}  // namespace millrace::extraction
