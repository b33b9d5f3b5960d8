// A callback that somebody waits for: called exactly once, whatever becomes of the job that holds
// it. One that is dropped unanswered, because an exception unwound the job, answers from its
// destructor; a callback that throws is called once more, with the error.
//
// Moves with its job from thread to thread; not thread-safe itself. Nothing here throws.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "runtime/threads/guarded.hpp"

namespace millrace {

/// `Value`: a result<T>, or a type whose default value means that there is nothing.
template <class Value>
class awaited_answer {
 public:
  using callback = std::function<void(Value)>;

  awaited_answer() = default;
  awaited_answer(callback done) noexcept : done_{std::move(done)} {}
  template <class Callback>
  requires(std::is_invocable_v<Callback&, Value> && !std::is_same_v<Callback, awaited_answer>)
      awaited_answer(Callback done)
      : done_{std::move(done)} {}
  awaited_answer(awaited_answer&& other) noexcept : done_{std::exchange(other.done_, nullptr)} {}
  awaited_answer& operator=(awaited_answer&& other) noexcept {
    if (this == &other) return *this;
    give_up();
    done_ = std::exchange(other.done_, nullptr);
    return *this;
  }
  ~awaited_answer() { give_up(); }

  bool pending() const noexcept { return done_ != nullptr; }
  /// Does nothing the second time.
  void operator()(Value value) noexcept {
    const auto done = std::exchange(done_, nullptr);
    if (!done) return;
    const auto taken = guarded("callback", [&] { done(std::move(value)); });
    if (taken) return;
    static_cast<void>(guarded("callback", [&] { done(nothing(taken.error())); }));
  }

 private:
  static Value nothing([[maybe_unused]] error why) {
    if constexpr (std::is_constructible_v<Value, tl::unexpected<error>>)
      return tl::unexpected<error>(std::move(why));
    else
      return Value{};
  }
  void give_up() noexcept {
    if (done_) (*this)(nothing({ec::internal, {}}));
  }

  callback done_;
};

}  // namespace millrace
