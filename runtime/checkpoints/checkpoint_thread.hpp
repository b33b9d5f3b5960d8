// The thread between document actors, which must not block, and the checkpoint store.
//
// save() and load() may be called from any thread and return at once; a callback runs on this
// thread. At most max_waiting_bytes of pieces wait: one more is skipped and counted, because a
// checkpoint is worth less than the memory. The destructor leaves out what waits, a load is
// answered with no pieces then.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <variant>

#include "runtime/checkpoints/checkpoint_store.hpp"
#include "runtime/telemetry/metrics.hpp"
#include "runtime/threads/awaited_answer.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

/// Whose pieces are wanted: a document as it is on disk now.
struct checkpoint_source {
  std::int64_t document_id = 0;
  std::string path;
  std::string options;
  std::string model;
};

class checkpoint_thread {
 public:
  static constexpr std::size_t max_waiting_bytes = 32U << 20;
  using loaded = std::function<void(saved_pieces)>;

  checkpoint_thread(checkpoint_store store, std::shared_ptr<metrics> counters);
  ~checkpoint_thread();
  checkpoint_thread(const checkpoint_thread&) = delete;
  checkpoint_thread& operator=(const checkpoint_thread&) = delete;

  void save(checkpoint_order order);
  /// Reads the document's bytes for the key. No pieces where there are none, or where they cannot
  /// be read: then all is made again.
  void load(checkpoint_source source, loaded done);

 private:
  struct load_order {
    checkpoint_source source;
    awaited_answer<saved_pieces> done;
  };

  void run();
  void carry_out(checkpoint_order& order);
  void carry_out(load_order& order);

  checkpoint_store store_;
  std::shared_ptr<metrics> counters_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::variant<checkpoint_order, load_order>> orders_;
  std::size_t waiting_bytes_ = 0;
  bool stopping_ = false;
  runtime_thread thread_;
};

}  // namespace millrace
