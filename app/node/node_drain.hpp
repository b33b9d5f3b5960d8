// The drain of a node: no new work, what runs ends or goes back, and how far that is. Begun by a
// signal (run(), which waits) or by way of the API (begin(), on a thread of its own).
//
// Thread-safe. run() blocks for at most its limit and one question.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

#include "actors/messages.hpp"
#include "app/node/drain_report.hpp"
#include "config/settings.hpp"
#include "runtime/core/error.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class node_drain {
 public:
  /// What it asks of the node's actors; the first two block.
  struct questions {
    std::function<result<drain_progress>()> progress;
    std::function<result<drain_progress>()> claim_no_more;
    std::function<void()> give_back;  ///< Documents give back what they carry.
  };

  node_drain(std::string node, questions ask);
  ~node_drain() { close(); }
  node_drain(const node_drain&) = delete;
  node_drain& operator=(const node_drain&) = delete;

  /// True where nothing is left in work.
  bool run(duration limit);
  void begin(duration limit);
  bool begun() const { return begun_; }
  drain_report report() const;
  /// Waits for what began, and lets nothing begin any more.
  void close();

 private:
  void note(const char* state, const result<drain_progress>& now);

  questions ask_;
  std::atomic<bool> begun_{false};
  mutable std::mutex mutex_;
  drain_report report_;
  std::uint64_t released_before_ = 0;
  bool closing_ = false;
  runtime_thread thread_;
};

}  // namespace millrace
