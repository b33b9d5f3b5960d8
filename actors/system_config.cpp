#include "actors/system_config.hpp"

#include <algorithm>
#include <thread>

#include <caf/io/middleman.hpp>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"

namespace millrace {

namespace {

/// Messages one actor may handle before others of its thread have their turn.
constexpr std::size_t max_throughput = 100;

std::string render_error(std::uint8_t code, caf::atom_value, const caf::message& context) {
  std::string text{to_string(static_cast<ec>(code))};
  if (context.match_elements<std::string>()) text += ": " + context.get_as<std::string>(0);
  return text;
}

}  // namespace

system_config::system_config() {
  add_message_types<caf::id_block::millrace>();
  add_error_category(caf::atom("millrace"), render_error);
  set("scheduler.max-throughput", max_throughput);
  // CAF's own choice is four on two cores: each thread more is one more to wake up.
  set("scheduler.max-threads", std::size_t{std::max(2U, std::thread::hardware_concurrency())});
  // Work stealing, the default, polls: a quarter of a loaded node's CPU, where its actors wait for
  // others most of the time (bench/cluster).
  set("scheduler.policy", caf::atom("sharing"));
  set("logger.verbosity", caf::atom("quiet"));
}

system_config::system_config(with_links) : system_config{} {
  load<caf::io::middleman>();
  set("middleman.heartbeat-interval", caf::timespan{link_heartbeat});
  set("middleman.connection-timeout", caf::timespan{link_timeout});
}

namespace {

/// What CAF answers in the place of an actor that is down, or of a handle that is empty because
/// nobody has the role now (invalid_argument; nothing else of ours makes CAF answer that).
bool is_down(const caf::error& e) {
  return e == caf::sec::request_receiver_down || e == caf::sec::runtime_error ||
         e == caf::sec::invalid_argument || e.category() == caf::atom("exit");
}

}  // namespace

error from_caf(const caf::error& e) {
  if (e.category() == caf::detail::error_factory<ec>::category) {
    const auto code = static_cast<ec>(e.code());
    auto message = e.context().match_elements<std::string>() ? e.context().get_as<std::string>(0)
                                                             : std::string{to_string(code)};
    return {code, std::move(message)};
  }
  if (is_down(e)) return {ec::actor_lost, "the actor that was asked has ended"};
  if (e == caf::sec::request_timeout) return {ec::timeout, "an actor did not answer in time"};
  return {ec::internal, "an actor answered with " + std::to_string(e.code())};
}

}  // namespace millrace
