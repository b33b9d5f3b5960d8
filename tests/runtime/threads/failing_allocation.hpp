// Makes one allocation of a runtime thread fail, whichever is wanted: with each number in turn a
// test sees an exception at every place of a job that can have one. Linked into an executable of
// its own, because it replaces operator new. One object at a time.
#pragma once

namespace millrace {

class failing_allocation {
 public:
  /// From the next job of this name (runtime/threads/guarded.hpp) that begins, the nth allocation
  /// of its thread throws std::bad_alloc, once.
  failing_allocation(const char* job, int nth);
  ~failing_allocation();
  failing_allocation(const failing_allocation&) = delete;
  failing_allocation& operator=(const failing_allocation&) = delete;

  bool failed() const;
};

}  // namespace millrace
