#include "app/extractor/serve.hpp"

#include <chrono>
#include <exception>
#include <new>
#include <string>
#include <utility>

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
constexpr std::size_t sha256_digits = 64;
constexpr std::uint64_t trim_above =
    1 << 20;  // bytes of a document after which free memory is given back

/// Of one document: what the node was told of it so far.
struct answer_state {
  std::uint64_t number = 0;
  std::string_view bytes;
  bool identified = false;
  std::size_t elements_sent = 0;
};

class server {
 public:
  server(channel& node, const parser_functions& parser) : node_{node}, parser_{parser} {}

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
      const auto type = (*next)->type;
      const bool sound = type == frame_type::request      ? serve_documents((*next)->payload)
                         : type == frame_type::read_image ? serve_image((*next)->payload)
                                                          : false;
      if (!sound) return false;
      if (node_is_gone_) return true;
    }
  }

  bool serve_documents(std::string_view payload) {
    const auto r = decode_request(payload);
    if (!r) return false;
    for (const auto& d : r->documents) {
      auto file = node_.next_file();
      if (!file) return false;
      answer_document(d, std::move(*file), *r);
      // Before the next document begins: should that one crash, this one must not be blamed.
      if (!flush()) return true;
    }
    return true;
  }

  bool serve_image(std::string_view payload) {
    const auto r = decode_image_request(payload);
    auto file = r ? node_.next_file() : std::nullopt;
    if (!file) return false;
    const auto bytes = bytes_.load(std::move(*file), r->size);
    const auto text = bytes ? guarded([&] { return parser_.read_image(*bytes, *r); })
                            : result<std::string>{tl::unexpected{bytes.error()}};
    if (text) {
      extracted_document answer;
      answer.sha256 = std::string(sha256_digits, '0');  // of no document
      if (!text->empty()) answer.elements.push_back({element_kind::image, 0, 0, *text, {}});
      append(document_encoder{r->number, answer});
    } else {
      append_failure(outgoing_, {r->number, text.error()});
    }
    bytes_.unload();
    ::malloc_trim(0);
    flush();
    return true;
  }

  void answer_document(const document_request& d, unique_fd file, const request& r) {
    const auto bytes = bytes_.load(std::move(file), d.size);
    if (!bytes) return append_failure(outgoing_, {d.number, bytes.error()});
    if (const auto other = redirect_of(*bytes)) {
      bytes_.unload();
      return append_redirect(outgoing_, {d.number, *other});
    }
    answer_state state{.number = d.number, .bytes = *bytes};
    auto reported = clock::now();  // pages
    auto told = reported;          // anything
    const page_callback page_done = [&](const pages_read& pages) {
      const auto now = clock::now();
      if (!r.each_page && now - reported < progress_interval) return;
      reported = told = now;
      report_pages(state, pages);
    };
    const work_callback worked = [&](std::uint64_t work) {
      const auto now = clock::now();
      if (now - told < progress_interval) return;
      told = now;
      append_working(outgoing_, {d.number, work});
      flush();
    };
    auto outcome = guarded([&] {
      return parser_.parse({*bytes, r.max_text_bytes, r.images, d.known_pages, page_done, worked});
    });
    if (outcome) {
      outcome->size = bytes->size();
      outcome->sha256 = sha256_hex(*bytes);
      append(document_encoder{d.number, *outcome, state.elements_sent});
    } else {
      append_failure(outgoing_, {d.number, outcome.error()});
    }
    bytes_.unload();
    if (d.size < trim_above) return;
    outcome = extracted_document{};
    ::malloc_trim(0);
  }

  /// Where looking fails, parsing says why.
  std::optional<std::string> redirect_of(std::string_view bytes) {
    if (!parser_.redirect) return std::nullopt;
    return guarded([&]() -> result<std::optional<std::string>> { return parser_.redirect(bytes); })
        .value_or(std::nullopt);
  }

  /// What these pages say, then that they are finished: what comes before is not lost with what
  /// comes after.
  void report_pages(answer_state& state, const pages_read& pages) {
    if (!std::exchange(state.identified, true))
      append_identity(outgoing_,
                      {state.number, sha256_hex(state.bytes), state.bytes.size(), pages.skipped,
                       std::string{pages.mime}, pages.pages, std::string{pages.title}});
    append(document_encoder{state.number, pages.elements.subspan(state.elements_sent)});
    state.elements_sent = pages.elements.size();
    append_progress(outgoing_, {state.number, pages.finished});
    flush();
  }

  void append(document_encoder encoder) {
    while (encoder.append_next(outgoing_))
      if (outgoing_.size() > flush_above && !flush()) return;
  }

  template <class Work>
  static auto guarded(Work work) -> decltype(work()) {
    try {
      return work();
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
  const parser_functions& parser_;
  document_bytes bytes_;
  std::string outgoing_;
  bool node_is_gone_ = false;
};

}  // namespace

int serve(channel& node, const parser_functions& parser) {
  return server{node, parser}.run();
}

}  // namespace millrace::extraction
