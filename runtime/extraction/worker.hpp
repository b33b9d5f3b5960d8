// One thread of the extractor pool: keeps one process alive, feeds it from the pool's queue, and
// answers documents.
//
// While the process works on a frame of small documents the next one is already in its socket;
// larger documents go one at a time. A process that dies costs the first unanswered document, or
// one of its tries (worker_losses.cpp); the others go back to the front of the queue. So do
// documents that would wait behind one that is slow.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/extraction/counted.hpp"
#include "runtime/extraction/document_file.hpp"
#include "runtime/extraction/document_queue.hpp"
#include "runtime/extraction/extractor_process.hpp"
#include "runtime/extraction/memory_budget.hpp"
#include "runtime/extraction/page_pieces.hpp"
#include "runtime/extraction/protocol.hpp"

namespace millrace::extraction {

/// What all workers of a pool share, whatever they start.
struct pool_shared {
  memory_budget budget;
  unique_fd stop;  ///< eventfd, readable once the pool ends.
  extractor_pool_stats stats;

  explicit pool_shared(std::uint64_t budget_bytes);
  bool stopping() const;
};

/// What the workers of one program share. Outlives their threads.
struct pool_state {
  extractor_pool_config config;
  std::vector<std::string> arguments;  ///< Of config.executable.
  std::size_t workers;
  bool starts_at_need = false;  ///< No process before there is a document for it.
  pool_shared& shared;
  document_queue queue;
  memory_tiers tiers;
  std::atomic<int> processes_alive{0};
  /// Where documents of other types go, by MIME type: users' own parsers.
  std::map<std::string, pool_state*> others;

  pool_state(extractor_pool_config c, std::vector<std::string> a, std::size_t worker_count,
             pool_shared& s);
};

class worker {
 public:
  explicit worker(pool_state& pool);
  /// Until the pool stops. Answers what it holds with ec::draining then.
  void run();

 private:
  using clock = std::chrono::steady_clock;

  struct in_flight {
    waiting_document document;
    std::uint64_t number = 0;
    bool ends_frame = false;
    counted<int> running = {};  ///< In extraction_progress, while the document is due.
  };
  /// Documents that are open and ready to be sent.
  struct prepared_frame {
    std::vector<waiting_document> documents;
    std::vector<document_file> files;
    std::size_t tier = 0;
  };
  enum class cause { ended, timeout, memory, garbage, killed };

  void step();
  void recover(const error& why);

  // The process's life.
  bool start_process();
  void start_failed(const error& why);
  bool start_at_need();
  void retire_process();
  void forget_process();

  // Losing it.
  void lose_process(cause why, const std::string& detail = {});
  static cause cause_of(cause why, const process_end& end);
  void count(cause why);
  error describe(cause why, const process_end& end, const std::string& detail) const;
  lost_try keep_finished_pages();
  bool is_tried_again(waiting_document& blamed, cause why, const lost_try& t);
  void give_up(waiting_document& blamed, const error& reason);

  // Feeding.
  bool idle();
  void feed();
  std::size_t room() const;
  std::uint64_t answers_left() const;
  std::vector<waiting_document> take(std::size_t most, bool large_too);
  prepared_frame prepare(std::size_t most, bool large_too);
  bool adopt_tier(std::size_t tier);
  void send(prepared_frame frame);
  void give_back(std::vector<waiting_document> documents);
  void give_back_suspect();
  void refuse(waiting_document& document, const error& why);

  // Answers.
  void listen();
  void await_answer();
  void check_limits();
  void handle(const frame& f);
  void handle_progress(const progress& p);
  void handle_working(const working& w);
  void handle_redirect(const frame& f);
  void hand_over(std::optional<finished_pages> piece);
  void begin_due();
  in_flight end_due();
  void answer(result<extracted_document> outcome);
  void take_back_rest();
  void touch();

  void release_memory();

  pool_state& pool_;
  std::unique_ptr<extractor_process> process_;
  counted<int> alive_;           ///< In processes_alive, while there is a process.
  counted<std::int64_t> usage_;  ///< In stats.idle or stats.busy, while there is a process.
  int failed_starts_ = 0;        ///< In a row, without an answer in between.

  std::deque<in_flight> in_flight_;
  std::size_t frames_ = 0;  ///< Of in_flight_.
  /// What the last process was lost on: this worker tries it again, and no other one's process is
  /// lost meanwhile.
  std::optional<waiting_document> suspect_;
  std::uint64_t next_number_ = 1;
  std::uint64_t answered_ = 0;  ///< By this process.
  bool rest_taken_back_ =
      false;  ///< The process holds documents that are others' now; it ends with its answer.
  std::optional<document_decoder>
      decoder_;  ///< Of the document that is due, from its first part on.

  std::size_t tier_ = 0;
  std::uint64_t reserved_ = 0;    ///< Bytes of the budget.
  std::uint64_t limited_to_ = 0;  ///< The process's cap, bytes.

  clock::time_point last_sign_;  ///< The last answer, page or work; the time-out counts from here.
  clock::time_point due_since_;  ///< When the document that is due became so.
  clock::time_point cpu_allowed_;     ///< When CPU time was last granted.
  clock::time_point idle_since_;      ///< The last answer, or the start.
  std::uint32_t pages_ = 0;           ///< Finished, of the document that is due.
  std::uint64_t work_ = 0;            ///< Bytes of it that were worked through.
  page_pieces pieces_;                ///< Of the document that is due.
  std::chrono::nanoseconds pace_{0};  ///< A small document's usual time: a moving average.
  std::string outgoing_;
};

}  // namespace millrace::extraction
