// `millrace top`: the whole cluster on one screen, from any node.
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <stop_token>

#include "app/cli/client.hpp"
#include "app/cli/cluster_picture.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/full_screen.hpp"
#include "app/cli/text.hpp"
#include "app/cli/top_screen.hpp"
#include "runtime/threads/guarded.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

/// For one answer. A node waits 5 s for others that do not answer it.
constexpr duration picture_patience = std::chrono::seconds{8};
/// How often keys, signals and the size of the terminal are looked at.
constexpr auto look_interval = std::chrono::milliseconds{100};
/// From `q` or a stop signal until the process ends, whatever is under way.
constexpr auto end_patience = std::chrono::seconds{1};
/// A picture of a large queue costs the database time: it rests so many times as long after it.
constexpr int rests = 9;

struct taken_picture {
  cluster_picture picture;
  clock::duration database_time{};  ///< How long the database's part of it took.
};

/// Without its nodes there is no picture; what else could not be had is said in it. No further
/// question is asked once `stop` is requested.
result<taken_picture> take_picture(client& api, const std::stop_token& stop) {
  const error stopped{ec::cancelled, "stopped"};
  api.look_for_node();
  const auto begun = clock::now();
  cluster_answers answers;
  std::string problem;
  if (!api.live())
    problem = "no node answers here (--endpoint URL names one): only what the database says";
  const auto ask = [&](const char* target, std::string& into) {
    if (stop.stop_requested()) return true;
    auto answer = api.get(target, picture_patience);
    if (answer)
      into = std::move(*answer);
    else if (answer.error().code != ec::not_found)  // an older node has no such thing
      problem = answer.error().message;
    return answer || answer.error().code != ec::http_unreachable;
  };
  if (stop.stop_requested()) return tl::unexpected<error>(stopped);
  auto nodes = api.get("/v1/nodes", picture_patience);
  if (!nodes) return tl::unexpected<error>(nodes.error());
  answers.nodes = std::move(*nodes);
  bool there = ask("/v1/cluster", answers.cluster) && ask("/v1/queue", answers.queue);
  const auto database_time = clock::now() - begun;
  there = there && (!api.live() || ask("/v1/actors?cluster=1", answers.actors));
  if (stop.stop_requested()) return tl::unexpected<error>(stopped);
  if (!there) return fail(ec::http_unreachable, problem);
  auto picture = join(answers);
  if (!picture) return tl::unexpected<error>(picture.error());
  picture->problem = problem;
  return taken_picture{std::move(*picture), database_time};
}

/// Takes a picture every interval, or less often where that would keep the database busy, in a
/// thread of its own, so that keys are obeyed while a node is slow. Its destructor waits for the
/// question that is under way: of a node at most picture_patience (and the probe for one 2 s), of a
/// database that this process asks itself as long as a connection and a statement may take.
/// ends_within() tells whether that is over.
class collector {
 public:
  collector(client& api, clock::duration interval) : api_{api}, interval_{interval} {
    current_.problem = "asking…";
    thread_ = runtime_thread{"top", [this](const std::stop_token& stop) {
                               collect(stop);
                               const std::lock_guard lock{mutex_};
                               ended_ = true;
                               wake_.notify_all();
                             }};
  }

  /// The last picture there was, and in it for how long there has been no newer one.
  cluster_picture current() const {
    const std::lock_guard lock{mutex_};
    auto shown = current_;
    if (!lost_since_) return shown;
    const std::chrono::duration<double> since = clock::now() - *lost_since_;
    shown.problem = "no answer for " + short_duration(since.count()) + ": " + why_lost_ +
                    "; what follows is older; trying again";
    return shown;
  }

  /// Takes the next picture a quarter of the interval after the last one.
  void hurry() {
    const std::lock_guard lock{mutex_};
    hurried_ = true;
    wake_.notify_all();
  }

  /// Takes no more pictures. False: an answer is under way after `limit` yet.
  bool ends_within(clock::duration limit) {
    thread_.request_stop();
    std::unique_lock lock{mutex_};
    return wake_.wait_for(lock, limit, [this] { return ended_; });
  }

 private:
  void collect(const std::stop_token& stop) {
    auto taken_at = clock::now();
    while (!stop.stop_requested()) {
      const auto begun = clock::now();
      auto taken = guarded("top", [&] { return take_picture(api_, stop); });
      std::unique_lock lock{mutex_};
      auto pause = interval_;
      if (taken) {
        const std::chrono::duration<double> since = begun - taken_at;
        measure_rate(taken->picture, current_, since.count());
        taken_at = begun;
        current_ = std::move(taken->picture);
        lost_since_.reset();
        pause = std::max(pause, rests * taken->database_time);
      } else {
        if (!lost_since_) lost_since_ = begun;
        why_lost_ = taken.error().message;
        pause = std::max(pause, clock::now() - begun);
      }
      const auto least = interval_ / 4;  // also of one in a hurry: a key that is held repeats
      wake_.wait_for(lock, stop, least, [] { return false; });
      wake_.wait_for(lock, stop, pause - least, [this] { return hurried_; });
      hurried_ = false;
    }
  }

  client& api_;
  const clock::duration interval_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  bool hurried_ = false;
  bool ended_ = false;
  cluster_picture current_;
  std::optional<clock::time_point> lost_since_;
  std::string why_lost_;
  runtime_thread thread_;  ///< Last: it ends before what it uses.
};

/// Until `q`, a stop signal or the end of the terminal, which is then as it was.
void draw(collector& collected) {
  full_screen screen;
  std::vector<std::string> drawn;
  screen_size drawn_for;
  for (;;) {
    const auto size = screen.size();
    auto lines = render(collected.current(), size);
    if (lines != drawn || size != drawn_for) {
      if (!screen.draw(lines)) return;
      drawn = std::move(lines);
      drawn_for = size;
    }
    char key = 0;
    const auto happened = screen.wait(look_interval, key);
    if (happened == full_screen::event::stop) return;
    if (happened != full_screen::event::key) continue;
    if (key == 'q' || key == 'Q') return;
    if (key == ' ') collected.hurry();
  }
}

void show_on_screen(client& api, clock::duration interval) {
  collector collected{api, interval};
  draw(collected);
  if (collected.ends_within(end_patience)) return;
  api.leave_at_once();
  std::fflush(nullptr);
  std::_Exit(static_cast<int>(exit::ok));  // it only reads: nothing is left half done
}

}  // namespace

int top(const global_options& global, const top_options& options) {
  if (!(options.interval_seconds >= top_options::min_interval &&
        options.interval_seconds <= top_options::max_interval))
    return report({ec::invalid_argument, "--interval is 0.5 to 60 seconds"});  // CLI11 lets nan in
  auto api = client::open(global);
  if (!api) return report(api.error());
  if (!options.once && !global.json && full_screen::possible()) {
    show_on_screen(**api, std::chrono::duration_cast<clock::duration>(
                              std::chrono::duration<double>{options.interval_seconds}));
    return static_cast<int>(exit::ok);
  }
  const auto taken = take_picture(**api, {});
  if (!taken) return report(taken.error());
  const auto* picture = &taken->picture;
  if (global.json) {
    std::printf("%s\n", to_json(*picture).c_str());
    return static_cast<int>(exit::ok);
  }
  const auto columns = full_screen::possible() ? full_screen::size().columns : plain_columns;
  for (const auto& line : render(*picture, {columns, 0})) std::printf("%s\n", line.c_str());
  return static_cast<int>(exit::ok);
}

}  // namespace millrace::cli
