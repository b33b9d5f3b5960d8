// Starts the embedded database again when its server dies under a node: killed by hand, or for want
// of memory. Each node of a data directory has one; the first that has its turn starts it, the
// others find it running. Of a directory that was moved or removed no server can be started: then
// the node has failed. A holder watch that was killed (holder_watch.hpp) is replaced, too.
//
// Owns a thread. The destructor waits for a start that is under way.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>

#include "runtime/database/embedded/embedded_server.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class database_watch {
 public:
  /// A server that is gone at two looks is started again.
  static constexpr std::chrono::seconds look_interval{1};

  /// `server` must outlive this, and what `lost`, called on the watch's thread at each look, uses.
  database_watch(embedded_server& server, std::function<void(std::string reason)> lost);

 private:
  void watch(const std::stop_token& ended);
  void look();
  void look_at_holder_watch();

  embedded_server& server_;
  std::function<void(std::string)> lost_;
  bool gone_ = false;       ///< At the last look; of the thread.
  bool blind_ = false;      ///< The last look saw nothing, for want of a descriptor.
  bool unwatched_ = false;  ///< The last look could not replace the holder watch.
  std::mutex mutex_;
  std::condition_variable_any ends_;
  runtime_thread thread_;  ///< Last: ends before what it uses.
};

}  // namespace millrace
