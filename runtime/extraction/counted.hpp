// One, in a counter, for as long as this lives: a gauge that an exception cannot leave wrong. Not
// thread-safe itself; the counter is.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace millrace::extraction {

template <class Number>
class counted {
 public:
  counted() = default;
  /// `owner` keeps the counter alive; null if it outlives this anyway.
  explicit counted(std::atomic<Number>& in, std::shared_ptr<const void> owner = nullptr) noexcept
      : in_{&in}, owner_{std::move(owner)} {
    ++in;
  }
  counted(counted&& other) noexcept
      : in_{std::exchange(other.in_, nullptr)}, owner_{std::move(other.owner_)} {}
  counted& operator=(counted&& other) noexcept {
    if (this == &other) return *this;
    end();
    in_ = std::exchange(other.in_, nullptr);
    owner_ = std::move(other.owner_);
    return *this;
  }
  ~counted() { end(); }

 private:
  void end() noexcept {
    if (in_ != nullptr) --*in_;
    in_ = nullptr;
    owner_.reset();
  }

  std::atomic<Number>* in_ = nullptr;
  std::shared_ptr<const void> owner_;
};

}  // namespace millrace::extraction
