// Entry points that block (SQL, HTTP, files) call assert_may_block(); debug builds abort when that
// happens on a thread that is marked as an actor scheduler's. The mark is set by actors/ for each
// scheduled handler.
#pragma once

namespace millrace {

/// Marks the current thread for the life of the object: blocking calls on it are bugs.
class no_blocking_scope {
 public:
  no_blocking_scope() noexcept;
  ~no_blocking_scope();
  no_blocking_scope(const no_blocking_scope&) = delete;
  no_blocking_scope& operator=(const no_blocking_scope&) = delete;

 private:
  bool previous_;
};

/// `what` names the blocking call in the abort message.
void assert_may_block(const char* what) noexcept;

}  // namespace millrace
