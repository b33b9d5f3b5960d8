// The documents that wait for an extractor, first in, first out. Callers bound its length: each
// document actor has at most one document here.
//
// Workers with a process and workers that would have to start one wait separately, so that no
// process is started while another is idle.
//
// Thread-safe. close() returns what waits; add() refuses afterwards.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "runtime/extraction/counted.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/extraction/kept_pages.hpp"
#include "runtime/extraction/loss_record.hpp"
#include "runtime/threads/awaited_answer.hpp"

namespace millrace::extraction {

/// Documents up to this size share a frame; larger ones travel alone.
inline constexpr std::uint64_t small_document_bytes = 64 << 10;

/// The history of a document that lost an extractor process.
struct document_past {
  loss_record losses;
  kept_pages kept;
};

struct waiting_document {
  extraction_request request;
  awaited_answer<result<extracted_document>> done;
  /// The memory tier that it needs, once it has run out of memory in a lower one.
  std::size_t min_tier = 0;
  file_version version = {};  ///< Its file's, once that is open.
  std::unique_ptr<document_past> past = nullptr;
  counted<std::int64_t> waits = {};  ///< In stats.waiting, while it is in a queue.

  /// Its history, created on first use.
  document_past& lost() {
    if (!past) past = std::make_unique<document_past>();
    return *past;
  }
  std::uint32_t known_pages() const {
    return past ? past->kept.known(request.known_pages) : request.known_pages;
  }

  /// A document that lost its process travels alone, so that it cannot cost others their process.
  bool small() const {
    return !past && request.size_hint <= small_document_bytes && request.image_source.empty();
  }
};

class document_queue {
 public:
  /// False once closed; `document` is untouched then.
  bool add(waiting_document& document);
  /// Returns documents to the front, in their order. False once closed; they are untouched then.
  bool put_back(std::vector<waiting_document>& documents);

  /// Waits for a document, at most `patience`. False if there is none or the queue is closed.
  bool wait(std::chrono::milliseconds patience);
  /// For a worker without a process: true if more documents wait than there are idle processes. The
  /// worker then starts one and calls process_started(), whether or not the start succeeded.
  bool wait_for_need(std::chrono::milliseconds patience);
  void process_started();
  /// Takes small documents off the front, at most `most` and at most one worker's share of all; or
  /// one large document, if it comes first and `large_too`. Never waits.
  std::vector<waiting_document> take(std::size_t most, std::size_t workers, bool large_too);
  /// Takes all of them, for a pool that cannot start extractors.
  std::vector<waiting_document> take_all();
  std::vector<waiting_document> close();

  std::size_t size() const;

 private:
  bool needs_process() const { return documents_.size() > waiting_ + starting_; }

  mutable std::mutex mutex_;
  std::condition_variable changed_;         ///< For workers that have a process.
  std::condition_variable process_needed_;  ///< For the others.
  std::size_t waiting_ = 0;                 ///< In wait().
  std::size_t starting_ = 0;                ///< Between wait_for_need() and process_started().
  std::deque<waiting_document> documents_;
  bool closed_ = false;
};

}  // namespace millrace::extraction
