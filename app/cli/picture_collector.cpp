#include "app/cli/picture_collector.hpp"

#include <algorithm>
#include <utility>

#include "app/cli/text.hpp"
#include "runtime/threads/guarded.hpp"

namespace millrace::cli {

picture_collector::picture_collector(take picture, clock::duration interval)
    : take_{std::move(picture)}, interval_{interval} {
  current_.problem = "asking…";
  thread_ = runtime_thread{"top", [this](const std::stop_token& stop) {
                             collect(stop);
                             const std::lock_guard lock{mutex_};
                             ended_ = true;
                             wake_.notify_all();
                           }};
}

cluster_picture picture_collector::current() const {
  const std::lock_guard lock{mutex_};
  auto shown = current_;
  if (!lost_since_) return shown;
  const std::chrono::duration<double> since = clock::now() - *lost_since_;
  shown.problem = "no answer for " + short_duration(since.count()) + ": " + why_lost_ +
                  "; what follows is older; trying again";
  return shown;
}

void picture_collector::hurry() {
  const std::lock_guard lock{mutex_};
  hurried_ = true;
  wake_.notify_all();
}

bool picture_collector::ends_within(clock::duration limit) {
  thread_.request_stop();
  std::unique_lock lock{mutex_};
  return wake_.wait_for(lock, limit, [this] { return ended_; });
}

void picture_collector::collect(const std::stop_token& stop) {
  auto taken_at = clock::now();
  while (!stop.stop_requested()) {
    const auto begun = clock::now();
    auto taken = guarded("top", [&] {
      auto picture = take_(stop);
      const std::chrono::duration<double> since = begun - taken_at;
      if (picture) measure_rate(picture->picture, current_, since.count());
      return picture;
    });
    std::unique_lock lock{mutex_};
    auto pause = interval_;
    if (taken) {
      taken_at = begun;
      current_ = std::move(taken->picture);
      lost_since_.reset();
      pause = std::max(pause, rests * taken->database_time);
    } else {
      if (!lost_since_) lost_since_ = begun;
      why_lost_ = std::move(taken.error().message);
      pause = std::max(pause, clock::now() - begun);
    }
    const auto least = interval_ / 4;  // also in a hurry: a key that is held down repeats
    wake_.wait_for(lock, stop, least, [] { return false; });
    wake_.wait_for(lock, stop, pause - least, [this] { return hurried_; });
    hurried_ = false;
  }
}

}  // namespace millrace::cli
