// The thread of the openai provider: takes batches from any thread, sends them as requests when the
// gate lets them, retries, splits and answers. The workings of openai_provider.
//
// submit() and stop() from any thread; run() on one thread, which also runs the callbacks. Holds at
// most max_held_batches() and max_held_bytes of unanswered inputs; one more is answered
// ec::mailbox_full. stop() makes run() answer all that is held with ec::draining, abandon what is
// in flight, and return.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "runtime/embedding/embedding_batch.hpp"
#include "runtime/embedding/http_transport.hpp"
#include "runtime/embedding/openai_messages.hpp"
#include "runtime/embedding/provider.hpp"
#include "runtime/embedding/retry_policy.hpp"
#include "runtime/embedding/send_gate.hpp"

namespace millrace {

class openai_loop {
 public:
  static constexpr byte_size max_held_bytes = 256_MiB;

  openai_loop(embedder_settings s, std::string api_key, std::unique_ptr<http_transport> transport,
              std::shared_ptr<embedding_stats> stats);

  void submit(std::vector<std::string> inputs, embedding_callback done);
  void run();
  void stop();
  std::size_t max_held_batches() const;

 private:
  using clock = std::chrono::steady_clock;
  class held_share;
  struct request {
    batch_slice slice;
    sent_request sent;
  };
  /// What send_ready() waits for.
  struct wake_up {
    clock::time_point at;
    bool throttled = false;  ///< A rate limit is what it waits for.
  };

  /// One round of the loop; false when it is time to stop.
  bool step();
  /// Moves what submit() left; false when it is time to stop.
  bool take_submitted();
  void take_delayed(clock::time_point now);
  wake_up send_ready(clock::time_point now);
  void wait(const wake_up& until);
  void send(batch_slice s, clock::time_point now);
  void start(std::uint64_t id, const batch_slice& s, clock::time_point now);
  void finish(http_answer reply);
  openai_answer read(http_answer& reply, std::size_t inputs) const;
  void act_on(request r, openai_answer answer, const http_answer& reply);
  void embedded(request r, openai_answer answer, const rate_limit_headers& limits);
  void throttled(request r, const openai_answer& answer, const rate_limit_headers& limits);
  void failed(request r, const openai_answer& answer, const http_answer& reply);
  void rejected(request r, const openai_answer& answer);
  void refused(request r, openai_answer answer);
  /// Sends the slice again after `delay`, or gives its batch up.
  void retry(batch_slice s, const std::string& reason, duration delay,
             ec at_the_end = ec::embedding_unavailable);
  static void give_up(embedding_batch& batch, ec code, std::string message);
  /// Answers all that is held.
  void give_up_all(ec code, const std::string& message);

  const embedder_settings settings_;
  const std::string api_key_;  ///< Only to remove it from what servers say.
  const retry_policy retries_;
  std::unique_ptr<http_transport> transport_;
  std::shared_ptr<embedding_stats> stats_;

  std::mutex mutex_;  ///< Guards the next four.
  std::vector<std::shared_ptr<embedding_batch>> submitted_;
  std::size_t held_batches_ = 0;  ///< Submitted and not answered.
  std::size_t held_bytes_ = 0;
  bool stopping_ = false;

  // Of the thread that runs run().
  send_gate gate_;
  std::deque<batch_slice> ready_;
  std::multimap<clock::time_point, batch_slice> delayed_;
  std::map<std::uint64_t, request> in_flight_;
  std::uint64_t next_id_ = 1;
  std::mt19937_64 random_;
  clock::duration throttled_{0};
};

}  // namespace millrace
