// Takes a picture of the cluster again and again, on a thread of its own, so that `millrace top`
// obeys keys while a node is slow.
//
// A picture that fails, by an error or an exception, is shown as a problem above the last one, and
// taken again. Thread-safe. The destructor waits for the question that is under way; ends_within()
// tells whether there is one.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "app/cli/cluster_picture.hpp"
#include "runtime/core/error.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace::cli {

struct taken_picture {
  cluster_picture picture;
  std::chrono::steady_clock::duration database_time{};  ///< The database's part of the time.
};

class picture_collector {
 public:
  using clock = std::chrono::steady_clock;
  /// Blocks; asks nothing more once it is told to stop.
  using take = std::function<result<taken_picture>(const std::stop_token& stop)>;
  /// A picture of a large queue costs the database time: it rests this many times as long after it.
  static constexpr int rests = 9;

  picture_collector(take picture, clock::duration interval);

  /// The last picture, and in its `problem` for how long there has been no newer one, if so.
  cluster_picture current() const;
  /// Takes the next picture a quarter of the interval after the last one.
  void hurry();
  /// Takes no more pictures. False if a question is still under way after `limit`.
  bool ends_within(clock::duration limit);

 private:
  void collect(const std::stop_token& stop);

  const take take_;
  const clock::duration interval_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool hurried_ = false;
  bool ended_ = false;
  cluster_picture current_;  ///< Written by the thread only.
  std::optional<clock::time_point> lost_since_;
  std::string why_lost_;
  runtime_thread thread_;  ///< Last: it ends before what it uses.
};

}  // namespace millrace::cli
