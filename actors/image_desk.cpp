#include "actors/image_desk.hpp"

#include <algorithm>

#include "runtime/images/decoration.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

namespace {

constexpr demand one_image{1, 0};

/// Another node's answer that says nothing of the image: somebody else may read it.
bool is_worth_another_node(ec code) {
  const auto kind = kind_of(code);
  return kind == error_kind::passing || kind == error_kind::lost || code == ec::internal;
}

template <class T>
result<T> failed(const caf::error& e) {
  return tl::unexpected<error>(from_caf(e));
}

}  // namespace

image_desk_actor_impl::image_desk_actor_impl(caf::actor_config& config, actor_place place,
                                             image_desk_config s)
    : bounded_actor{config, std::move(place)},
      config_{std::move(s)},
      grants_{demand{config_.workers, 0}} {
  set_down_handler([this](const caf::down_msg& down) { on_down(down); });
}

image_desk_actor_impl::behavior_type image_desk_actor_impl::make_behavior() {
  delayed_send(this, tick_interval, tick_atom_v);
  return {
      [this](describe_image& order) { return on_describe(order); },
      [this](const ask_grant& ask) -> caf::result<granted> {
        if (config_.workers == 0)
          return caf::make_error(ec::role_away, std::string{"this node reads no images"});
        return grants_.ask(*this, ask);
      },
      [this](describe_distant_image& order) { return on_distant(order); },
      [this](demand_ended) {
        grants_.forget(*this, caf::actor_cast<caf::actor_addr>(current_sender()));
      },
      [this](const use_image_roles& roles) { on_roles(roles); },
      [this](tick_atom) { on_tick(); },
  };
}

void image_desk_actor_impl::on_exit() {
  const auto ended = caf::make_error(ec::actor_lost, std::string{"the image desk ended"});
  const auto tell = [&](auto& jobs) {
    for (auto& j : jobs) j.promise.deliver(ended);
    jobs.clear();
  };
  tell(mine_);
  tell(distant_);
  for (auto& [uri, f] : files_) tell(f.waiting);
  for (auto& [id, j] : at_work_) j.promise.deliver(ended);
  for (auto& desk : others_)
    for (auto& [number, j] : desk.at_work) j.promise.deliver(ended);
  at_work_.clear();
  others_.clear();
  files_.clear();
  workers_.clear();
  idle_.clear();
  grants_.close();
  fetcher_ = file_fetcher_actor{};
}

caf::result<image_described> image_desk_actor_impl::on_describe(describe_image& order) {
  const bool kept =
      judge_image(order.image.info, order.occurrences, config_.settings) == image_verdict::kept;
  const bool is_read = config_.settings.ocr != "off" && !order.image.info.source.empty();
  if (!kept || !is_read) return image_described{std::move(order.image), kept};
  job work{std::move(order), make_response_promise<image_described>()};
  work.since = ticks_;
  auto promise = work.promise;
  mine_.push_back(std::move(work));
  pump();
  return promise;
}

caf::result<image_described> image_desk_actor_impl::on_distant(describe_distant_image& order) {
  if (!grants_.spend(*this, one_image)) {
    ++probe().rejected;
    return caf::make_error(ec::mailbox_full, std::string{"more images than were granted"});
  }
  job work{describe_image{std::move(order.image),
                          order.occurrences,
                          order.dataset_id,
                          {},
                          order.version,
                          nullptr,
                          order.document_id,
                          std::move(order.uri)},
           make_response_promise<image_described>(), true};
  auto promise = work.promise;
  auto place = place_of_file_uri(work.order.uri);
  if (!place) {
    grants_.release(one_image);
    finish(work, fail(ec::source_missing, work.order.uri + ": only file:// URIs can be read"));
  } else if (place->node.empty() || place->node == config_.node) {
    work.order.path = std::move(place->path);
    distant_.push_back(std::move(work));
  } else {
    fetch(std::move(work));
  }
  pump();
  return promise;
}

// Image actors of this node
// --------------------------------------------------------------------------------

void image_desk_actor_impl::pump() {
  hand_out(distant_);
  hand_out(mine_);
  overflow();
  probe().demand_available = grants_.available_items();
}

void image_desk_actor_impl::hand_out(std::deque<job>& jobs) {
  while (!jobs.empty() && !idle_.empty()) {
    if (!jobs.front().distant && !grants_.hold(one_image)) return;  // promised to others
    auto work = std::move(jobs.front());
    jobs.pop_front();
    give_to_worker(std::move(work));
  }
}

void image_desk_actor_impl::give_to_worker(job work) {
  auto worker = std::move(idle_.front());
  idle_.pop_front();
  auto order = work.order;
  at_work_[worker->id()] = std::move(work);
  const auto conclude = [this, worker](result<image_described> outcome) {
    auto found = at_work_.extract(worker->id());
    if (!found) return;
    const bool died = !outcome && outcome.error().code == ec::actor_lost;
    worker_is_free(worker, died);
    finish(found.mapped(), std::move(outcome), died);
    pump();
  };
  request(worker, caf::infinite, std::move(order))
      .then([conclude](image_described& described) { conclude(std::move(described)); },
            [conclude](const caf::error& e) { conclude(failed<image_described>(e)); });
}

/// One that seems to have died gets nothing more until the next tick: by then its down message has
/// come, or it is alive.
void image_desk_actor_impl::worker_is_free(const image_actor& worker, bool died) {
  if (!died && !dead_.contains(worker->id()) &&
      std::find(workers_.begin(), workers_.end(), worker) != workers_.end())
    idle_.push_back(worker);
  // This node's own go first: a grant to others comes from what they leave.
  if (mine_.empty() || idle_.empty()) return grants_.release(one_image);
  auto next = std::move(mine_.front());
  mine_.pop_front();
  give_to_worker(std::move(next));
}

/// One that failed for no reason of its own may wait for its next try.
void image_desk_actor_impl::finish(job& work, result<image_described> outcome, bool may_retry) {
  if (outcome)
    work.promise.deliver(std::move(*outcome));
  else if (may_retry && !work.distant && ++work.tries < max_tries)
    mine_.push_back(std::move(work));
  else
    work.promise.deliver(to_caf(outcome.error()));
}

// Desks of other nodes
// -------------------------------------------------------------------------------------

void image_desk_actor_impl::overflow() {
  for (std::size_t i = 0; i < others_.size(); ++i) {
    auto& desk = others_[next_other_++ % others_.size()];
    while (!mine_.empty() && desk.sent.items < desk.granted.items) {
      auto work = std::move(mine_.front());
      mine_.pop_front();
      send_to(desk, std::move(work));
    }
    if (mine_.empty())
      give_room_back(desk);
    else
      ask_for_room(desk);
  }
}

void image_desk_actor_impl::ask_for_room(other_desk& desk) {
  if (desk.asked) return;
  desk.asked = true;
  auto total = desk.sent;
  total += {std::min<std::uint64_t>(mine_.size(), largest_ask), 0};
  const auto still = [this, handle = desk.handle, life = desk.life]() -> other_desk* {
    auto* found = find(handle);
    if (!found || found->life != life) return nullptr;
    found->asked = false;
    return found;
  };
  request(desk.handle, config_.answer_limit, ask_grant{total})
      .then(
          [this, still](const granted& g) {
            if (auto* from = still()) {
              from->granted = g.total;
              pump();
            }
          },
          [still](const caf::error&) { still(); });  // asked again at the next tick or image
}

void image_desk_actor_impl::send_to(other_desk& desk, job work) {
  desk.sent += one_image;
  const auto number = ++last_number_;
  const auto& o = work.order;
  describe_distant_image order{o.image,       o.occurrences, o.dataset_id,
                               o.document_id, o.uri,         o.version};
  desk.at_work[number] = std::move(work);
  const auto conclude = [this, from = desk.handle, number](result<image_described> outcome) {
    on_distant_answer(from, number, std::move(outcome));
  };
  request(desk.handle, config_.answer_limit, std::move(order))
      .then([conclude](image_described& described) { conclude(std::move(described)); },
            [conclude](const caf::error& e) { conclude(failed<image_described>(e)); });
}

void image_desk_actor_impl::on_distant_answer(const image_desk_actor& from, std::uint64_t number,
                                              result<image_described> outcome) {
  auto* desk = find(from);
  if (!desk) return;  // lost, and done elsewhere
  auto found = desk->at_work.extract(number);
  if (!found) return;
  const bool may_retry = !outcome && is_worth_another_node(outcome.error().code);
  finish(found.mapped(), std::move(outcome), may_retry);
  pump();
}

/// What is granted and not needed keeps another node's image actors idle.
void image_desk_actor_impl::give_room_back(other_desk& desk) {
  if (!desk.asked && desk.sent.items == desk.granted.items) return;
  send(desk.handle, demand_ended{});
  desk.sent = desk.granted = {};
  desk.asked = false;
  ++desk.life;
}

void image_desk_actor_impl::lose(other_desk& desk) {
  for (auto& [number, work] : desk.at_work)
    finish(work, fail(ec::actor_lost, "the node that read it was lost"), true);
  desk.at_work.clear();
}

image_desk_actor_impl::other_desk* image_desk_actor_impl::find(const image_desk_actor& handle) {
  const auto found = std::find_if(others_.begin(), others_.end(),
                                  [&](const other_desk& d) { return d.handle == handle; });
  return found == others_.end() ? nullptr : &*found;
}

/// Image actors and desks come and go.
void image_desk_actor_impl::on_roles(const use_image_roles& roles) {
  for (const auto& w : roles.workers)
    if (std::find(workers_.begin(), workers_.end(), w) == workers_.end()) monitor(w);
  workers_ = roles.workers;
  fetcher_ = roles.files;
  std::erase_if(dead_, [&](const auto id) {
    return std::none_of(workers_.begin(), workers_.end(), [&](auto& w) { return w->id() == id; });
  });
  count_idle();
  const auto gone = std::stable_partition(others_.begin(), others_.end(), [&](const auto& d) {
    return std::find(roles.others.begin(), roles.others.end(), d.handle) != roles.others.end();
  });
  for (auto it = gone; it != others_.end(); ++it) lose(*it);
  others_.erase(gone, others_.end());
  for (const auto& handle : roles.others)
    if (!find(handle)) {
      others_.emplace_back();
      others_.back().handle = handle;
    }
  pump();
}

/// The only word that takes an image actor out: an error that it answers with does not.
void image_desk_actor_impl::on_down(const caf::down_msg& down) {
  grants_.forget(*this, down.source);
  const auto is_down = [&](const image_actor& w) { return w.address() == down.source; };
  if (std::none_of(workers_.begin(), workers_.end(), is_down)) return;
  dead_.insert(down.source.id());
  std::erase_if(idle_, is_down);
}

void image_desk_actor_impl::count_idle() {
  idle_.clear();
  for (const auto& w : workers_)
    if (!at_work_.contains(w->id()) && !dead_.contains(w->id())) idle_.push_back(w);
}

void image_desk_actor_impl::on_tick() {
  delayed_send(this, tick_interval, tick_atom_v);
  ++ticks_;
  forget_files();
  count_idle();
  pump();
  if (!workers_.empty() || !others_.empty()) return;
  while (!mine_.empty() && (ticks_ - mine_.front().since) * tick_interval > away_limit) {
    mine_.front().promise.deliver(caf::make_error(
        ec::role_away, std::string{"no node with the role `image` is there to read an image"}));
    mine_.pop_front();
  }
}

// Files of other nodes' documents
// --------------------------------------------------------------------------

void image_desk_actor_impl::fetch(job work) {
  const auto uri = work.order.uri;
  const auto& version = work.order.version;
  const auto key = uri + "#" + std::to_string(version.size) + "#" + std::to_string(version.changed);
  auto& known = files_[key];
  known.used = ticks_;
  if (known.file) {
    work.order.fetched = known.file;
    work.order.path = known.file->path();
    distant_.push_back(std::move(work));
    return;
  }
  const bool is_first = known.waiting.empty();
  known.version = version;
  const fetch_file order{work.order.document_id, uri, version.size};
  known.waiting.push_back(std::move(work));
  if (!is_first) return;
  if (!fetcher_) return on_fetched(key, fail(ec::source_away, "this node has no link to others"));
  request(fetcher_, caf::infinite, order)
      .then([this, key](const file_fetched& fetched) { on_fetched(key, fetched); },
            [this, key](const caf::error& e) { on_fetched(key, failed<file_fetched>(e)); });
}

void image_desk_actor_impl::on_fetched(const std::string& key, result<file_fetched> outcome) {
  const auto found = files_.find(key);
  if (found == files_.end()) return;
  if (outcome && outcome->version != found->second.version)
    outcome = fail(ec::source_changed, "the file was changed while it was read; it is read again");
  auto waiting = std::exchange(found->second.waiting, {});
  if (outcome)
    found->second.file = outcome->file;
  else
    files_.erase(found);
  for (auto& work : waiting) {
    if (outcome) {
      fetch(std::move(work));
      continue;
    }
    grants_.release(one_image);
    finish(work, tl::unexpected<error>(outcome.error()));
  }
  forget_files();
  pump();
}

void image_desk_actor_impl::forget_files() {
  std::erase_if(files_, [&](const auto& f) {
    return f.second.waiting.empty() && (ticks_ - f.second.used) * tick_interval > file_lifetime;
  });
  while (files_.size() > max_files) {
    const auto oldest = std::min_element(
        files_.begin(), files_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    if (!oldest->second.waiting.empty()) return;
    files_.erase(oldest);
  }
}

}  // namespace millrace
