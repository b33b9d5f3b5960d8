// `millrace top`: the whole cluster on one screen, from any node.
#include <cstdio>
#include <cstdlib>
#include <stop_token>

#include "app/cli/client.hpp"
#include "app/cli/cluster_picture.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/full_screen.hpp"
#include "app/cli/picture_collector.hpp"
#include "app/cli/top_screen.hpp"

namespace millrace::cli {

namespace {

using clock = std::chrono::steady_clock;

/// For one answer. A node waits 5 s for others that do not answer it.
constexpr duration picture_patience = std::chrono::seconds{8};
/// How often keys, signals and the size of the terminal are looked at.
constexpr auto key_look_interval = std::chrono::milliseconds{100};
/// From `q` or a stop signal until the process ends, whatever is under way.
constexpr auto end_patience = std::chrono::seconds{1};

/// Without its nodes there is no picture; what else could not be had is said in it. No further
/// question is asked once `stop` is requested.
result<taken_picture> take_picture(client& api, const std::stop_token& stop) {
  const error stopped{ec::cancelled, "stopped"};
  if (auto looked = api.look_for_node(); !looked) return tl::unexpected<error>(looked.error());
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

/// Until `q`, a stop signal or the end of the terminal, which is then as it was.
void draw(picture_collector& collected) {
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
    const auto happened = screen.wait(key_look_interval, key);
    if (happened == full_screen::event::stop) return;
    if (happened != full_screen::event::key) continue;
    if (key == 'q' || key == 'Q') return;
    if (key == ' ') collected.hurry();
  }
}

void show_on_screen(client& api, clock::duration interval) {
  // A question that is under way at the end takes at most picture_patience of a node (and the probe
  // for one 2 s), and of a database that this process asks itself as long as a connection and a
  // statement may take.
  picture_collector collected{
      [&api](const std::stop_token& stop) { return take_picture(api, stop); }, interval};
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
