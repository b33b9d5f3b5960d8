#include "runtime/embedding/openai_loop.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "runtime/embedding/api_key.hpp"
#include "runtime/threads/guarded.hpp"

namespace millrace {

namespace {

/// The longest that the thread sleeps, whatever it waits for.
constexpr duration max_sleep = std::chrono::seconds{1};
constexpr duration pause_after_exception = std::chrono::milliseconds{100};

/// Batches held for each request that may be in flight, so that the next is always at hand.
constexpr std::size_t held_batches_per_request = 8;

/// A server's wait is lengthened by up to this share, so that the nodes of a cluster do not return
/// at one instant.
constexpr double wait_jitter = 0.1;

send_gate::limits gate_limits(const embedder_settings& s) {
  return {.concurrency = std::max(1, s.concurrency),
          .requests_per_minute = std::max(1, s.requests_per_minute),
          .tokens_per_minute = std::max(1, s.tokens_per_minute),
          .probe_interval = s.probe_interval};
}

}  // namespace

/// What a batch takes of max_held_batches() and max_held_bytes, given back by the destructor.
class openai_loop::held_share {
 public:
  /// With the mutex.
  held_share(openai_loop& loop, std::size_t bytes) : loop_{loop}, bytes_{bytes} {
    ++loop_.held_batches_;
    loop_.held_bytes_ += bytes_;
  }
  held_share(const held_share&) = delete;
  held_share& operator=(const held_share&) = delete;
  ~held_share() {
    const std::lock_guard lock{loop_.mutex_};
    --loop_.held_batches_;
    loop_.held_bytes_ -= bytes_;
  }

 private:
  openai_loop& loop_;
  const std::size_t bytes_;
};

openai_loop::openai_loop(embedder_settings s, std::string api_key,
                         std::unique_ptr<http_transport> transport,
                         std::shared_ptr<embedding_stats> stats)
    : settings_(std::move(s)),
      api_key_(std::move(api_key)),
      retries_{settings_.max_attempts, settings_.backoff_min, settings_.backoff_max},
      transport_(std::move(transport)),
      stats_(std::move(stats)),
      gate_(gate_limits(settings_), clock::now()),
      random_(std::random_device{}()) {}

std::size_t openai_loop::max_held_batches() const {
  return held_batches_per_request * static_cast<std::size_t>(std::max(1, settings_.concurrency));
}

void openai_loop::submit(std::vector<std::string> inputs, embedding_callback done) {
  auto batch = std::make_shared<embedding_batch>(std::move(inputs), std::move(done));
  if (batch->complete()) return batch->answer();  // no inputs
  std::unique_lock lock{mutex_};
  if (stopping_) {
    lock.unlock();
    return batch->answer(error{ec::draining, "the embedding provider is shutting down"});
  }
  const bool too_many_bytes =
      held_batches_ > 0 && held_bytes_ + batch->bytes() > max_held_bytes.bytes;
  if (held_batches_ >= max_held_batches() || too_many_bytes) {
    lock.unlock();
    return batch->answer(error{ec::mailbox_full,
                               "the embedding provider holds as many batches as it may; "
                               "ask again when some are answered"});
  }
  batch->hold(std::make_shared<held_share>(*this, batch->bytes()));
  submitted_.push_back(std::move(batch));
  lock.unlock();
  transport_->wake();
}

void openai_loop::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  transport_->wake();
}

void openai_loop::run() {
  for (;;) {
    const auto went = guarded("embedding", [this] { return step(); });
    if (went && !*went) break;
    if (went) continue;
    give_up_all(went.error().code, went.error().message);
    transport_->wait(pause_after_exception);  // what failed may fail at once again
  }
  give_up_all(ec::draining, "the embedding provider is shutting down");
}

bool openai_loop::step() {
  if (!take_submitted()) return false;
  const auto now = clock::now();
  take_delayed(now);
  wait(send_ready(now));
  return true;
}

bool openai_loop::take_submitted() {
  std::vector<std::shared_ptr<embedding_batch>> taken;
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return false;
    taken.swap(submitted_);
  }
  for (const auto& batch : taken) {
    const auto cut = guarded("embedding batch", [&] {
      for (auto& s : slice(batch, settings_.max_inputs, settings_.max_request_tokens))
        ready_.push_back(std::move(s));
    });
    if (!cut)
      give_up(*batch, cut.error().code, cut.error().message);
    else if (batch->complete())
      batch->answer();
  }
  return true;
}

void openai_loop::take_delayed(clock::time_point now) {
  const auto end = gate_.is_open(now) ? delayed_.end() : delayed_.upper_bound(now);
  for (auto d = delayed_.begin(); d != end; ++d) ready_.push_front(std::move(d->second));
  delayed_.erase(delayed_.begin(), end);
}

openai_loop::wake_up openai_loop::send_ready(clock::time_point now) {
  const auto next_delayed = delayed_.empty() ? clock::time_point::max() : delayed_.begin()->first;
  while (!ready_.empty()) {
    if (ready_.front().batch->answered()) {
      ready_.pop_front();
      continue;
    }
    const auto decision = gate_.ask(ready_.front().tokens, now);
    if (decision.what == send_gate::verdict::wait)
      return {std::min(next_delayed, decision.until), decision.until != clock::time_point::max()};
    auto next = std::move(ready_.front());
    ready_.pop_front();
    if (decision.what == send_gate::verdict::refuse)
      give_up(*next.batch, ec::embedding_paused, gate_.refusal());
    else
      send(std::move(next), now);
  }
  return {next_delayed, false};
}

void openai_loop::wait(const wake_up& until) {
  const auto begin = clock::now();
  const auto sleep =
      std::chrono::ceil<duration>(std::min<clock::duration>(until.at - begin, max_sleep));
  auto replies = transport_->wait(std::max(duration{0}, sleep));
  if (until.throttled) {
    throttled_ += clock::now() - begin;
    stats_->throttled_milliseconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(throttled_).count());
  }
  for (auto& reply : replies) finish(std::move(reply));
}

void openai_loop::send(batch_slice s, clock::time_point now) {
  const auto id = next_id_++;
  const auto sent = guarded("embedding request", [&] { start(id, s, now); });
  if (sent) return;
  in_flight_.erase(id);
  give_up(*s.batch, sent.error().code, sent.error().message);
}

void openai_loop::start(std::uint64_t id, const batch_slice& s, clock::time_point now) {
  openai_request body;
  body.model = settings_.model;
  body.dimensions = takes_dimensions(settings_.model) ? settings_.dimensions : 0;
  for (const auto place : s.places) body.inputs.push_back(s.batch->inputs()[place]);
  http_post post{id, write_request(body), max_answer_bytes(s.places.size(), settings_.dimensions)};
  in_flight_.emplace(id, request{s, {gate_, s.tokens, now}});
  transport_->start(std::move(post));
}

void openai_loop::finish(http_answer reply) {
  auto node = in_flight_.extract(reply.id);
  if (node.empty()) return;
  auto r = std::move(node.mapped());
  const auto batch = r.slice.batch;
  auto answer = guarded("embedding answer", [&] { return read(reply, r.slice.places.size()); });
  if (!answer) return give_up(*batch, answer.error().code, answer.error().message);
  const auto acted =
      guarded("embedding answer", [&] { act_on(std::move(r), std::move(*answer), reply); });
  if (!acted) give_up(*batch, acted.error().code, acted.error().message);
}

openai_answer openai_loop::read(http_answer& reply, std::size_t inputs) const {
  openai_answer answer;
  if (reply.status == 0) {
    answer.reason = "the embedding server cannot be reached (" + reply.problem + ")";
  } else {
    if (reply.status != 200) reply.body = without_key(std::move(reply.body), api_key_);
    answer = read_answer(reply.status, reply.body, inputs, settings_.dimensions);
    answer.reason = without_key(std::move(answer.reason), api_key_);
  }
  return answer;
}

void openai_loop::act_on(request r, openai_answer answer, const http_answer& reply) {
  using meaning = openai_answer::meaning;
  switch (answer.what) {
    case meaning::embedded:
      return embedded(std::move(r), std::move(answer), reply.limits);
    case meaning::throttled:
      return throttled(std::move(r), answer, reply.limits);
    case meaning::failed:
      return failed(std::move(r), answer, reply);
    case meaning::rejected:
      return rejected(std::move(r), answer);
    case meaning::refused:
      return refused(std::move(r), std::move(answer));
  }
}

void openai_loop::embedded(request r, openai_answer answer, const rate_limit_headers& limits) {
  gate_.succeeded(r.sent.take(), answer.tokens, limits, clock::now());
  ++stats_->requests_ok;
  stats_->tokens += static_cast<std::uint64_t>(answer.tokens > 0 ? answer.tokens : r.slice.tokens);
  auto& batch = *r.slice.batch;
  if (batch.answered()) return;
  for (std::size_t i = 0; i < r.slice.places.size(); ++i)
    batch.set(r.slice.places[i], std::move(answer.results[i]));
  if (batch.complete()) batch.answer();
}

void openai_loop::throttled(request r, const openai_answer& answer,
                            const rate_limit_headers& limits) {
  ++stats_->requests_throttled;
  auto pause = retries_.backoff(r.slice.attempts + 1, random_);
  if (const auto asked = limits.wait()) {
    std::uniform_real_distribution<double> share{1.0, 1.0 + wait_jitter};
    pause = std::chrono::ceil<duration>(*asked * share(random_));
  }
  gate_.throttled(r.sent.take(), pause, clock::now());
  retry(std::move(r.slice), answer.reason, duration{0});  // the gate makes it wait, with all others
}

void openai_loop::failed(request r, const openai_answer& answer, const http_answer& reply) {
  constexpr int service_unavailable = 503;
  ++stats_->requests_failed;
  const bool overloaded = reply.timed_out || reply.status == service_unavailable;
  gate_.failed(r.sent.take(), overloaded, clock::now());
  const auto pause = retries_.backoff(r.slice.attempts + 1, random_);
  retry(std::move(r.slice), answer.reason, std::max(pause, reply.limits.wait().value_or(pause)),
        reply.exhausted ? ec::resource_exhausted : ec::embedding_unavailable);
}

void openai_loop::rejected(request r, const openai_answer& answer) {
  ++stats_->requests_rejected;
  gate_.rejected(r.sent.take());
  auto& batch = *r.slice.batch;
  if (batch.answered()) return;
  if (r.slice.places.size() > 1) {
    auto halves = halve(r.slice);
    ready_.insert(ready_.begin(), std::make_move_iterator(halves.begin()),
                  std::make_move_iterator(halves.end()));
    return;
  }
  batch.set(r.slice.places.front(), fail(ec::embedding_rejected, answer.reason));
  if (batch.complete()) batch.answer();
}

void openai_loop::refused(request r, openai_answer answer) {
  ++stats_->requests_rejected;
  auto reason = answer.reason;  // copied before the ticket is taken
  gate_.refused(r.sent.take(), std::move(reason), clock::now());
  give_up(*r.slice.batch, ec::embedding_paused, std::move(answer.reason));
}

void openai_loop::retry(batch_slice s, const std::string& reason, duration delay, ec at_the_end) {
  ++s.attempts;
  if (retries_.exhausted(s.attempts))
    return give_up(*s.batch, at_the_end,
                   "gave up after " + std::to_string(s.attempts) + " attempts: " + reason);
  delayed_.emplace(clock::now() + delay, std::move(s));
}

void openai_loop::give_up(embedding_batch& batch, ec code, std::string message) {
  if (batch.answered()) return;
  batch.answer(error{code, std::move(message)});
}

void openai_loop::give_up_all(ec code, const std::string& message) {
  std::vector<std::shared_ptr<embedding_batch>> held;
  {
    const std::lock_guard lock{mutex_};
    held.swap(submitted_);
  }
  for (const auto& s : ready_) held.push_back(s.batch);
  for (const auto& [when, s] : delayed_) held.push_back(s.batch);
  for (const auto& [id, r] : in_flight_) held.push_back(r.slice.batch);
  ready_.clear();
  delayed_.clear();
  in_flight_.clear();
  for (const auto& batch : held) give_up(*batch, code, message);
}

}  // namespace millrace
