// Why a node cannot continue: the first reason given by its supervisor or by a thread that an
// exception ended. Whoever runs the node checks it, drains and exits with 1.
//
// Thread-safe.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "runtime/threads/runtime_thread.hpp"

namespace millrace {

class node_failure {
 public:
  void set(std::string reason) {
    const std::lock_guard lock{mutex_};
    if (!reason_) reason_ = std::move(reason);
  }
  std::optional<std::string> reason() const {
    const std::lock_guard lock{mutex_};
    return reason_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<std::string> reason_;
  thread_failures threads_{[this](const std::string& why) { set(why); }};
};

}  // namespace millrace
