// A fixed number of millrace-extractor processes, each served by one thread of this pool. Documents
// wait in one FIFO; a free worker takes up to 32 small ones in a frame, or one large one. Processes
// of users' own parsers start when a document of their type comes, and end after idle_end.
//
// Any thread may call extract(); callbacks run on the pool's threads and must not block. The queue
// is bounded by its callers (one document per document actor). A process that crashes, exceeds its
// memory or its time costs the one document it was working on: the unanswered rest of its frame is
// sent again to a fresh process. The document itself is tried again at once, behind the pages that
// were finished, extraction.crash_attempts times on the same page (loss_record.hpp). Then it ends
// with the pages before that one and partly_read, or if there are none, with the error. One whose
// processes are killed from outside ends with extraction_killed, whatever was read. The destructor
// ends every process and answers what is waiting with ec::draining.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

/// What whoever asked may look at meanwhile; written by the pool's threads.
struct extraction_progress {
  std::atomic<std::uint32_t> pages{0};  ///< Finished, of the document that is read.
  std::atomic<int> held{0};             ///< Requests that the pool has not answered.
  std::atomic<int> running{0};          ///< Those that a process works on; the others wait.
};

struct extraction_request {
  std::string
      path;  ///< Path in the local file system; opened by the pool's thread, read by the extractor.
  std::uint64_t size_hint =
      0;  ///< Bytes as known at submission; the real size is taken when it is opened.
  std::shared_ptr<extraction_progress> progress = nullptr;  ///< For whom it interests.
  /// Pages at the beginning that need not be read (extracted_document::skipped_pages).
  std::uint32_t known_pages = 0;
  /// Gets what is worth keeping should the document not be finished (page_pieces), before the
  /// answer and on the same thread.
  std::function<void(finished_pages)> pages_finished = nullptr;
  /// Not empty: not the document is read but the text of its image there (image_info::source). The
  /// answer has one element, or none where the image has no text.
  std::string image_source = {};
  /// Another content of the file is not read: source_changed.
  std::optional<file_version> version = std::nullopt;
};

using extraction_callback = std::function<void(result<extracted_document>)>;

struct extractor_pool_config {
  std::filesystem::path executable;  ///< millrace-extractor.
  extraction_settings settings;
  images_settings images;
  std::vector<extractor_settings> others;  ///< Users' parsers, by MIME type.
  /// Until a process of theirs that has nothing to do ends.
  std::chrono::milliseconds idle_end = std::chrono::seconds{60};
};

/// Counters since start; read from any thread.
struct extractor_pool_stats {
  std::atomic<std::uint64_t> documents{0};
  std::atomic<std::uint64_t> frames{0};
  std::atomic<std::uint64_t> processes_started{0};
  std::atomic<std::uint64_t> kills_timeout{0};
  std::atomic<std::uint64_t> kills_memory{0};
  std::atomic<std::uint64_t> crashes{0};
  std::atomic<std::uint64_t> recycled{0};
  std::atomic<std::uint64_t> escalations{0};  ///< Documents that died of memory and got more.
  std::atomic<std::int64_t> idle{0};
  std::atomic<std::int64_t> busy{0};
  std::atomic<std::int64_t> waiting{0};        ///< Documents in the FIFO.
  std::atomic<std::uint64_t> memory_bytes{0};  ///< Sum of the caps in use.
};

class extractor_pool {
 public:
  explicit extractor_pool(extractor_pool_config config);
  ~extractor_pool();
  extractor_pool(const extractor_pool&) = delete;
  extractor_pool& operator=(const extractor_pool&) = delete;

  void extract(extraction_request request, extraction_callback done);
  const extractor_pool_stats& stats() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace millrace
