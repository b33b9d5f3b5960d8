#include "actors/document.hpp"

#include <algorithm>

#include "runtime/checkpoints/segment.hpp"
#include "runtime/queue/attempt_policy.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace {

/// Four looks in the time of a lease.
duration tick_interval(const queue_settings& s) {
  return std::min<duration>(document_actor_impl::longest_tick, s.visibility_timeout / 4);
}

const char* name_of(int stage) {
  constexpr const char* names[] = {"idle", "extracting", "describing", "embedding", "committing"};
  return names[stage];
}

}  // namespace

document_actor_impl::document_actor_impl(caf::actor_config& config, actor_place place,
                                         document_config s)
    : bounded_actor{config, std::move(place)}, config_{std::move(s)} {}

document_actor_impl::behavior_type document_actor_impl::make_behavior() {
  delayed_send(this, tick_interval(config_.queue), tick_atom_v);
  return {
      [this](deliver_lease& delivered) -> caf::result<lease_accepted> {
        if (stage_ != stage::idle)
          return caf::make_error(ec::mailbox_full, std::string{"it carries a document already"});
        if (!may_demand()) return caf::make_error(ec::draining, std::string{"it takes no more"});
        begin(std::move(delivered.work));
        return lease_accepted{};
      },
      [this](document_extracted& message) { on_extracted(message); },
      [this](pages_extracted& message) { on_pages(message); },
      [this](checkpoints_loaded& message) { on_checkpoints(message); },
      [this](work_computed& message) { on_computed(message); },
      [this](const use_roles& roles) { on_roles(roles); },
      [this](tick_atom) { on_tick(); },
      [this](drain_atom) {
        if (stage_ != stage::idle) give_back(release_reason::drained);
      },
  };
}

/// A new handle means an actor that knows nothing of this one: totals start again, and so does what
/// the other one had not answered.
void document_actor_impl::on_roles(const use_roles& roles) {
  const bool could_demand = may_demand();
  const auto old = std::exchange(roles_, roles);
  if (old.embedder != roles_.embedder) {
    send(old.embedder, demand_ended{});
    sent_to_embedder_ = {};
    if (stage_ == stage::embedding) embed_next_slice();
  }
  if (old.committer != roles_.committer) {
    sent_to_committer_ = {};
    if (stage_ == stage::committing) hand_over();
  }
  if (old.puller == roles_.puller && could_demand == may_demand()) return;
  if (old.puller != roles_.puller) send(old.puller, grant_demand{demanded_, false, config_.node});
  greet_puller();
}

bool document_actor_impl::may_demand() const {
  return roles_.puller && roles_.embedder && roles_.committer && !roles_.draining;
}

/// An idle actor asks for a lease, or takes its demand back.
void document_actor_impl::greet_puller() {
  if (stage_ == stage::idle && may_demand()) return demand_lease();
  send(roles_.puller, grant_demand{demanded_, false, config_.node});
}

void document_actor_impl::on_tick() {
  delayed_send(this, tick_interval(config_.queue), tick_atom_v);
  if (stage_ == stage::idle) return;
  const auto steps = steps_ + (progress_ ? progress_->pages.load(std::memory_order_relaxed) : 0);
  const bool moved = steps != std::exchange(steps_seen_, steps);
  const bool waits = waits_for_extractor();
  // What waits for the committer is not stuck either: the committer answers for it.
  if (moved || waits || stage_ == stage::committing) send(roles_.puller, extend_lease{work_.token});
  if (!waits) worked_ += tick_interval(config_.queue);
  // The pool's queue has an end for everybody: it bounds the time of those before this one. Images
  // that wait anywhere else may never be answered.
  const bool queued = waits && (stage_ == stage::extracting || image_progress_->held > 0);
  stalled_ = moved || queued ? clock::duration{0} : stalled_ + tick_interval(config_.queue);
  if (lacks_embedder())
    return conclude({ec::role_away, "no node with the role `embedder` is there"});
  if (stage_ == stage::committing) return;
  if (worked_ >= config_.deadline || stalled_ >= config_.deadline) conclude(over_deadline());
}

error document_actor_impl::over_deadline() const {
  if (worked_ >= config_.deadline)
    return {ec::deadline_exceeded,
            "the document was worked on for longer than documents.deadline; raise it if the "
            "document is worth the time"};
  return {ec::deadline_exceeded,
          "none of the document's images was answered within "
          "documents.deadline; " +
              std::to_string(images_.size() - image_answers_) + " are left"};
}

/// Checked on ticks only, so that a lost embedder has time to come back.
bool document_actor_impl::lacks_embedder() const {
  return stage_ == stage::embedding && !roles_.embedder;
}

/// In the pool's queue behind others, itself or its images: not its fault.
bool document_actor_impl::waits_for_extractor() const {
  const auto runs = [](const auto& progress) {
    return progress && progress->running.load(std::memory_order_relaxed) > 0;
  };
  return (stage_ == stage::extracting && !runs(progress_)) ||
         (stage_ == stage::describing && !runs(image_progress_));
}

void document_actor_impl::observe(const char* what, clock::time_point since) const {
  config_.counters->document_seconds(what).Observe(
      std::chrono::duration<double>(clock::now() - since).count());
}

void document_actor_impl::enter(stage next) {
  const auto now = clock::now();
  if (stage_ != stage::idle) observe(name_of(static_cast<int>(stage_)), stage_started_);
  stage_ = next;
  ++steps_;
  stage_started_ = now;
  probe().carry(next == stage::idle ? std::string{} : work_.uri, name_of(static_cast<int>(next)));
}

void document_actor_impl::demand_lease() {
  if (may_demand()) send(roles_.puller, grant_demand{++demanded_, true, config_.node});
}

void document_actor_impl::begin(lease work) {
  work_ = std::move(work);
  started_ = clock::now();
  worked_ = stalled_ = {};
  saved_pieces_count_ = 0;
  progress_ = std::make_shared<extraction_progress>();
  image_progress_ = std::make_shared<extraction_progress>();
  result_ = document_result{work_};
  result_.options = config_.options;
  result_.embeddings = embedding_store{config_.spill};
  result_.size = work_.size;
  enter(stage::extracting);
  if (lost_too_often(work_, config_.queue))
    return end_failed(
        {ec::extraction_crashed,
         "the processes that worked on this document vanished or were killed in " +
             std::to_string(work_.losses) +
             " attempts; the nodes' logs say which, and the kernel's whether memory ran out"},
        true);
  if (failed_too_often(work_, config_.queue))
    return end_failed(
        {ec::internal, "its results could not be written in " + std::to_string(work_.failures) +
                           " attempts; the node's log says why"},
        true);
  find_source();
}

/// On this machine, or fetched from the node that has it.
void document_actor_impl::find_source() {
  auto place = place_of_file_uri(work_.uri);
  if (!place)
    return end_failed({ec::source_missing, work_.uri + ": only file:// URIs can be read"}, false);
  if (place->node.empty() || place->node == config_.node) {
    path_ = std::move(place->path);
    return read_source();
  }
  if (!roles_.files)
    return conclude(
        {ec::source_away, "its node cannot be reached: this one has no link to others"});
  const auto token = work_.token;
  request(roles_.files, caf::infinite, fetch_file{work_.document_id, work_.uri, work_.size})
      .then(
          [this, token](const file_fetched& fetched) {
            if (stage_ != stage::extracting || token != work_.token) return;
            fetched_ = fetched.file;
            version_ = fetched.version;
            path_ = fetched_->path();
            read_source();
          },
          [this, token](const caf::error& e) {
            if (stage_ != stage::extracting || token != work_.token) return;
            const auto problem = from_caf(e);
            if (problem.code == ec::actor_lost)  // the fetcher
              give_back(release_reason::drained, away_delay);
            else
              conclude(problem);
          });
}

void document_actor_impl::read_source() {
  if (work_.has_checkpoints && config_.checkpoints.load)
    load_checkpoints();
  else
    extract();
}

void document_actor_impl::extract() {
  auto self = caf::actor_cast<document_actor>(this);
  const auto token = work_.token;
  extraction_request request;
  request.path = path_;
  request.size_hint = work_.size;
  request.progress = progress_;
  request.known_pages = saved_pages_ = restored_.extraction.pages;
  next_piece_ = restored_.extraction.pieces;
  saved_elements_ = 0;
  if (config_.checkpoints.save)
    request.pages_finished = [self, token](finished_pages pages) {
      caf::anon_send(self,
                     pages_extracted{token, std::make_shared<finished_pages>(std::move(pages))});
    };
  // A fetched file stays until it is read, also where the document is given back meanwhile.
  config_.extract(
      std::move(request), [self, token, held = fetched_](result<extracted_document> outcome) {
        caf::anon_send(self, document_extracted{token, std::make_shared<result<extracted_document>>(
                                                           std::move(outcome))});
      });
}

void document_actor_impl::take_images(distinct_images found) {
  images_.clear();
  unsaved_images_.clear();
  occurrences_ = std::move(found.occurrences);
  next_image_ = image_answers_ = images_before_ = 0;
  unread_images_ = 0;
  images_saved_at_ = clock::now();
  for (auto& image : found.images) {
    const auto known = restored_.images.find(image.info.sha256);
    if (known == restored_.images.end()) {
      images_.push_back(std::move(image));
      continue;
    }
    ++images_before_;
    if (known->second.kept) result_.images.push_back(std::move(known->second.image));
  }
  restored_.images.clear();
}

void document_actor_impl::describe_images() {
  if (image_answers_ == images_.size()) return chunk();
  while (next_image_ < images_.size() && next_image_ - image_answers_ < images_in_flight) {
    const auto token = work_.token;
    const auto& image = images_[next_image_++];
    request(roles_.images, caf::infinite,
            describe_image{image, occurrences_[image.info.sha256], work_.dataset_id, path_,
                           version_, fetched_, work_.document_id, work_.uri, image_progress_})
        .then(
            [this, token](image_described& described) {
              if (stage_ == stage::describing && token == work_.token) on_image(described);
            },
            [this, token](const caf::error& e) {
              if (stage_ == stage::describing && token == work_.token) conclude(from_caf(e));
            });
  }
}

void document_actor_impl::on_image(image_described& described) {
  ++image_answers_;
  ++steps_;
  save_image(described);
  unread_images_ += described.problem != ec::none;
  if (described.kept) result_.images.push_back(std::move(described.image));
  describe_images();
}

bool document_actor_impl::is_current(stage asked_in, std::int64_t token,
                                     std::uint64_t question) const {
  return stage_ == asked_in && token == work_.token && question == question_;
}

/// Sends only what was granted: asks, waits for the grant, then `then`.
template <class Handle>
void document_actor_impl::ask_grant_of(const Handle& consumer, demand& sent, std::uint64_t bytes,
                                       std::function<void()> then) {
  auto total = sent;
  total += {1, bytes};
  const auto question = ++question_;
  const auto token = work_.token;
  const auto asked_in = stage_;
  const auto asked_at = clock::now();
  request(consumer, limit_beyond_node(*this, consumer, answer_limit), ask_grant{total})
      .then(
          [=, this, &sent, then = std::move(then)](const granted&) {
            probe().backpressure_nanoseconds +=
                static_cast<std::uint64_t>((clock::now() - asked_at).count());
            // One that comes too late is left to the next document.
            if (!is_current(asked_in, token, question)) return;
            sent += {1, bytes};
            then();
          },
          [=, this](const caf::error& e) {
            if (is_current(asked_in, token, question)) on_unanswered(e);
          });
}

/// A dead consumer's successor is announced by use_roles, and asked then.
void document_actor_impl::on_unanswered(const caf::error& e) {
  if (e == caf::sec::request_timeout)
    return conclude({ec::role_away, "the embedder of another node does not answer"});
  if (const auto problem = from_caf(e); problem.code != ec::actor_lost) conclude(problem);
}

void document_actor_impl::embed_next_slice() {
  take_restored();
  if (next_chunk_ == result_.chunks.size()) return hand_over();
  std::size_t count = 0;
  std::uint64_t bytes = 0;
  while (next_chunk_ + count < result_.chunks.size() && count < slice_chunks) {
    const auto size = result_.chunks[next_chunk_ + count].text.size();
    if (count > 0 &&
        (bytes + size > slice_bytes || restored_.embeddings.contains(next_chunk_ + count)))
      break;
    bytes += size;
    ++count;
  }
  ask_grant_of(roles_.embedder, sent_to_embedder_, bytes,
               [this, count, bytes] { send_slice(count, bytes); });
}

void document_actor_impl::send_slice(std::size_t count, std::uint64_t bytes) {
  embed_chunks message;
  message.bytes = bytes;
  message.texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    message.texts.push_back(result_.chunks[next_chunk_ + i].text);
  const auto token = work_.token;
  const auto question = ++question_;
  request(roles_.embedder, limit_beyond_node(*this, roles_.embedder, answer_limit),
          std::move(message))
      .then(
          [=, this](chunks_embedded& answer) {
            if (is_current(stage::embedding, token, question)) on_embedded(answer);
          },
          [=, this](const caf::error& e) {
            if (is_current(stage::embedding, token, question)) on_unanswered(e);
          });
}

void document_actor_impl::on_embedded(chunks_embedded& answer) {
  ++steps_;
  save_embeddings(answer.embeddings);
  next_chunk_ += answer.embeddings.size();
  for (auto& e : answer.embeddings) result_.embeddings.push_back(std::move(e));
  embed_next_slice();
}

void document_actor_impl::hand_over() {
  if (stage_ != stage::committing) enter(stage::committing);
  ask_grant_of(roles_.committer, sent_to_committer_, result_.bytes(), [this] { send_result(); });
}

void document_actor_impl::send_result() {
  const auto token = work_.token;
  const auto question = ++question_;
  // Kept until it is accepted: a committer that dies before that is replaced, and its successor
  // gets the same.
  commit_document message{result_, result_.bytes()};
  request(roles_.committer, caf::infinite, std::move(message))
      .then(
          [=, this](const document_accepted&) {
            if (!is_current(stage::committing, token, question)) return;
            become_idle();
            go_on();
          },
          [=, this](const caf::error& e) {
            const auto problem = from_caf(e);
            if (is_current(stage::committing, token, question) && problem.code != ec::actor_lost)
              give_back(release_reason::drained);
          });
}

/// The one place where a document's error is judged.
void document_actor_impl::conclude(const error& problem) {
  const bool moved_on =
      problem.code == ec::deadline_exceeded
          ? saved_pieces_count_ > 0
          : stage_ == stage::extracting && saved_pages_ > restored_.extraction.pages;
  switch (judge_attempt(problem.code, work_, config_.queue, moved_on)) {
    case attempt_verdict::end_failed:
      return end_failed(problem, false);
    case attempt_verdict::dead_letter:
      return end_failed(problem, true);
    case attempt_verdict::retry_later:
      spdlog::info("document {} is tried again later ({}): {}", work_.uri, to_string(problem.code),
                   problem.message);
      return give_back(release_reason::failed);
    case attempt_verdict::give_back:
      return give_back(release_reason::drained);
    case attempt_verdict::lost:
      spdlog::warn("document {} goes back ({}): {}", work_.uri, to_string(problem.code),
                   problem.message);
      // At once, the machine would be as full as before.
      return give_back(release_reason::lost,
                       problem.code == ec::extraction_killed ? away_delay : duration{0});
    case attempt_verdict::wait:
      spdlog::debug("document {} waits: {}", work_.uri, problem.message);
      return give_back(
          release_reason::drained, away_delay,
          problem.code == ec::source_away ? other_node_with_the_file() : std::string{});
  }
}

/// Empty: this one has it, or any.
std::string document_actor_impl::other_node_with_the_file() const {
  const auto place = place_of_file_uri(work_.uri);
  return place && place->node != config_.node ? place->node : std::string{};
}

void document_actor_impl::end_failed(const error& problem, bool dead_letter) {
  result_.failure = problem.code;
  result_.failure_message = problem.message;
  result_.warning = {ec::none, {}};
  result_.dead_letter = dead_letter;
  result_.chunks.clear();
  result_.embeddings.clear();
  result_.images.clear();
  hand_over();
}

void document_actor_impl::give_back(release_reason reason, duration delay, std::string waits_for) {
  if (reason == release_reason::failed) delay = retry_delay(config_.queue, work_.failures);
  if (config_.book) {  // also where the puller is dead just now
    config_.book->ended({work_.token});
    config_.book->give_back({work_.token}, reason, delay);
  }
  send(roles_.puller, return_lease{work_.token, reason, static_cast<std::uint64_t>(delay.count()),
                                   std::move(waits_for)});
  become_idle();
  demand_lease();
}

/// Takes what the puller of this node claimed ahead, and asks it only where there is none: the
/// usual way from one document to the next wakes nobody.
void document_actor_impl::go_on() {
  if (!config_.book || !may_demand()) return demand_lease();
  const lease_book::holder_id self{{}, id()};
  config_.book->hand_over(self);
  auto taken = config_.book->take(self);
  if (!taken) return demand_lease();
  if (taken->runs_low) send(roles_.puller, flush_atom_v);  // it claims more
  begin(std::move(taken->work));
}

void document_actor_impl::become_idle() {
  observe("total", started_);
  enter(stage::idle);
  work_ = {};
  ++computation_;
  computation_job_ = nullptr;
  path_.clear();
  fetched_.reset();
  result_ = {};
  extracted_ = {};
  restored_ = {};
  unsaved_images_.clear();
  steps_ = steps_seen_ = 0;
  progress_.reset();
  image_progress_.reset();
  occurrences_.clear();
}

}  // namespace millrace
