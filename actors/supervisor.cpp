#include "actors/supervisor.hpp"

#include <algorithm>

#include "runtime/datasets/submit.hpp"

namespace millrace {

supervisor_actor_impl::supervisor_actor_impl(caf::actor_config& config, actor_place place,
                                             engine_parts parts)
    : bounded_actor{config, std::move(place)},
      parts_{std::move(parts)},
      policy_{parts_.config.restart},
      choice_{parts_.link.self.node},
      orders_{*this, parts_.order_limit} {
  set_down_handler([this](const caf::down_msg& down) { on_down(down); });
}

supervisor_actor_impl::behavior_type supervisor_actor_impl::make_behavior() {
  start_all();
  return {
      [this](const restart_child& restart) {
        if (restart.slot >= children_.size()) return;
        // A singleton may have been started by a change of leadership meanwhile.
        if (children_[restart.slot].actor_id != 0) return;
        start(restart.slot);
        announce();
        offer();
      },
      [this](const leadership_changed& change) { on_leadership(change); },
      [this](const node_superseded& superseded) { fatal(superseded.reason); },
      [this](wake_atom) { send(roles_.puller, wake_atom_v); },
      [this](const nodes_seen& seen) {
        if (peers_) send(peers_, seen);
      },
      [this](const suspects_changed& changed) {
        suspects_ = changed;
        send(membership_, changed);
      },
      [this](const peers_changed& message) { on_peers(message); },
      [this](const node_hello& hello) -> caf::result<node_hello> {
        if (!peers_) return caf::make_error(ec::draining, std::string{"the node has no link now"});
        return delegate(peers_, hello);
      },
      [this](const ask_nodes& order) -> caf::result<nodes_answered> {
        if (!peers_) return caf::make_error(ec::draining, std::string{"try again in a moment"});
        return delegate(peers_, order);
      },
      [this](const deduct_credits& order) { return order_of_ledger(order); },
      [this](const refund_credits& order) { return order_of_ledger(order); },
      [this](const grant_credits& order) { return order_of_ledger(order); },
      [this](tick_atom) { orders_.tick(); },
      [this](progress_atom) { return progress(); },
      [this](drain_atom) -> caf::result<drain_progress> {
        draining_ = true;
        send(membership_, drain_atom_v);
        announce();
        offer();
        if (!roles_.puller) return progress();
        return delegate(roles_.puller, drain_atom_v);
      },
      [this](give_back_atom) {
        send(roles_.puller, give_back_atom_v);
        if (!roles_.puller) released_ += parts_.directory->documents_in_flight();
        for (const auto& d : documents_) send(d, drain_atom_v);
      },
  };
}

bool supervisor_actor_impl::has(std::string_view name) const {
  return std::any_of(parts_.roles.begin(), parts_.roles.end(),
                     [&](const auto& r) { return r == name || r == "all"; });
}

void supervisor_actor_impl::start_all() {
  const auto add = [this](role kind, bool wanted, int count = 1) {
    for (int i = 0; wanted && i < count; ++i) children_.push_back({kind});
  };
  add(role::queue_puller, has("queue_puller"));
  add(role::embedder, has("embedder"));
  add(role::committer, has("document"));
  add(role::image, has("image"), parts_.config.images.concurrency);
  add(role::image_desk, has("image") || has("document"));
  add(role::document, has("document"), parts_.config.documents.concurrency);
  add(role::peers, true);
  add(role::membership, true);
  add(role::ledger, has("ledger"));  // these two start when this node leads
  add(role::status, has("status_aggregator"));
  add(role::file_reader, parts_.link.port != 0);
  add(role::file_fetcher, parts_.link.port != 0);
  for (std::size_t slot = 0; slot < children_.size(); ++slot) start(slot);
  announce();
  offer();
}

template <class Impl, class Config>
auto supervisor_actor_impl::spawn_child(std::size_t slot, const char* name, int limit,
                                        Config config, bool blocks) {
  auto place = make_place(parts_.directory, name, limit, children_[slot].restarts);
  using handle = caf::infer_handle_from_class_t<Impl>;
  auto spawned = [&]() -> handle {
    if (blocks && parts_.detach_blocking)
      return system().spawn<Impl, caf::detached>(std::move(place), std::move(config));
    return system().spawn<Impl>(std::move(place), std::move(config));
  }();
  monitor(spawned);
  children_[slot].actor_id = spawned->id();
  return spawned;
}

std::string supervisor_actor_impl::embedding_identity() const {
  if (!parts_.provider) return {};
  return parts_.provider->model() + "/" + std::to_string(parts_.provider->dimensions());
}

void supervisor_actor_impl::start_embedder(std::size_t slot) {
  const auto& s = parts_.config;
  // What is computed in place gains nothing from waiting for company.
  const auto delay = s.embedder.provider == "hashing" ? duration{0} : s.embedder.batch_delay;
  roles_.embedder = spawn_child<embedder_actor_impl>(
      slot, "embedder", s.mailbox.embedder,
      embedder_config{parts_.provider,
                      {static_cast<std::uint64_t>(s.mailbox.embedder), s.commit.max_bytes.bytes},
                      delay,
                      s.embedder.probe_interval},
      false);
}

void supervisor_actor_impl::start_committer(std::size_t slot) {
  const auto& s = parts_.config;
  roles_.committer = spawn_child<committer_actor_impl>(
      slot, "committer", s.mailbox.committer,
      committer_config{parts_.write,
                       {static_cast<std::uint64_t>(s.mailbox.committer), s.commit.max_bytes.bytes},
                       static_cast<std::size_t>(s.commit.max_documents),
                       s.commit.gather,
                       parts_.counters,
                       book(),
                       s.queue},
      false);
}

void supervisor_actor_impl::start_image(std::size_t slot) {
  const auto& s = parts_.config;
  auto handle = spawn_child<image_actor_impl>(slot, "image", s.mailbox.image,
                                              image_config{s.images, parts_.read}, false);
  const auto first = std::find_if(children_.begin(), children_.end(),
                                  [](auto& c) { return c.kind == role::image; });
  const auto index = slot - static_cast<std::size_t>(first - children_.begin());
  images_.resize(std::max(images_.size(), index + 1));
  images_[index] = std::move(handle);
}

void supervisor_actor_impl::start_image_desk(std::size_t slot) {
  const auto& s = parts_.config;
  const int workers = has("image") ? s.images.concurrency : 0;
  roles_.images = spawn_child<image_desk_actor_impl>(
      slot, "image_desk", s.mailbox.image_desk,
      image_desk_config{parts_.link.self.node, static_cast<std::size_t>(workers), s.images,
                        s.extraction.crash_attempts * s.extraction.timeout +
                            file_fetcher_actor_impl::answer_limit},
      false);
}

void supervisor_actor_impl::start(std::size_t slot) {
  const auto& s = parts_.config;
  switch (children_[slot].kind) {
    case role::queue_puller:
      roles_.puller = spawn_child<queue_puller_actor_impl>(
          slot, "queue_puller", s.mailbox.queue_puller,
          queue_puller_config{parts_.source, parts_.book, s.queue.batch_size, s.queue.poll_interval,
                              parts_.storage_problem, parts_.counters, parts_.claims_held},
          true);
      tell_sources();
      if (draining_) caf::anon_send(roles_.puller, drain_atom_v);
      return;
    case role::embedder:
      return start_embedder(slot);
    case role::committer:
      return start_committer(slot);
    case role::image:
      return start_image(slot);
    case role::image_desk:
      return start_image_desk(slot);
    case role::document:
      documents_.push_back(spawn_child<document_actor_impl>(
          slot, "document", s.mailbox.document,
          document_config{parts_.extract, s.chunking, s.queue, document_options(s),
                          parts_.link.self.node, s.documents.deadline, parts_.counters, book(),
                          parts_.checkpoints, embedding_identity(), s.commit.spill.bytes,
                          parts_.compute},
          false));
      return;
    case role::membership:
      membership_ = spawn_child<membership_actor_impl>(
          slot, "membership", s.mailbox.membership,
          membership_config{parts_.pool, parts_.registry, parts_.source, parts_.incarnation,
                            singletons(), caf::actor_cast<supervisor_actor>(this)},
          true);
      send(membership_, suspects_);
      if (draining_) send(membership_, drain_atom_v);
      return;
    case role::ledger:
      if (ledger_term_)
        ledger_ = spawn_child<ledger_actor_impl>(
            slot, "ledger", s.mailbox.ledger,
            ledger_config{parts_.pool, *ledger_term_, parts_.counters}, true);
      return;
    case role::status:
      if (status_term_)
        status_ = spawn_child<status_aggregator_actor_impl>(
            slot, "status_aggregator", s.mailbox.status_aggregator,
            status_aggregator_config{parts_.pool, *status_term_, s.status.debounce,
                                     std::chrono::seconds{1}, parts_.counters},
            true);
      return;
    case role::peers: {
      auto link = parts_.link;
      link.supervisor = caf::actor_cast<supervisor_actor>(this);
      peers_ =
          spawn_child<peers_actor_impl>(slot, "peers", s.mailbox.peers, std::move(link), false);
      return;
    }
    case role::file_reader:
      reader_ = spawn_child<file_reader_actor_impl>(slot, "file_reader", s.mailbox.file_reader,
                                                    parts_.files, true);
      return;
    case role::file_fetcher:
      roles_.files = spawn_child<file_fetcher_actor_impl>(
          slot, "file_fetcher", s.mailbox.file_fetcher,
          file_fetcher_config{s.sources.scratch, parts_.counters}, true);
      send(roles_.files, others_);
      return;
  }
}

/// Where the leases of this node's documents are written down; null where another node does.
std::shared_ptr<lease_book> supervisor_actor_impl::book() const {
  return has("queue_puller") ? parts_.book : nullptr;
}

/// The reaper needs nothing but the database: every node may be it.
std::vector<std::string> supervisor_actor_impl::singletons() const {
  std::vector<std::string> names{"reaper"};
  for (const auto* name : {"ledger", "status_aggregator"})
    if (has(name)) names.emplace_back(name);
  return names;
}

/// Everyone learns the handles anew; who sees a new one repeats what the old one did not answer.
void supervisor_actor_impl::announce() {
  tell_orders();
  roles_.status = status_ ? status_ : leading_status(others_.offers);
  roles_.dependents = dependents();
  roles_.draining = draining_;
  send(roles_.embedder, roles_);
  auto now = roles_;
  if (!has("queue_puller")) now.puller = choice_.puller(others_.offers);
  send(roles_.committer, now);
  for (const auto& d : documents_) {
    if (!has("embedder")) now.embedder = choice_.embedder(others_.offers, d->id());
    send(d, now);
  }
  announce_image_roles();
}

void supervisor_actor_impl::announce_image_roles() {
  use_image_roles now{images_, {}, roles_.files};
  for (const auto& o : others_.offers)
    if (o.images) now.others.push_back(o.images);
  send(roles_.images, std::move(now));
}

/// Where a node has documents and no embedder, any embedder may serve them, and any puller deliver
/// them.
std::vector<queue_puller_actor> supervisor_actor_impl::dependents() const {
  const auto& offers = others_.offers;
  std::vector<queue_puller_actor> pullers;
  if (std::any_of(offers.begin(), offers.end(), [](const auto& o) { return o.needs_embedder; }))
    for (const auto& o : offers)
      if (o.puller) pullers.push_back(o.puller);
  return pullers;
}

void supervisor_actor_impl::offer() {
  if (!peers_) return;
  offer_changed changed;
  auto& now = changed.offer;
  now = {parts_.link.self.node,
         parts_.incarnation,
         ledger_,
         ledger_term_ ? ledger_term_->epoch : 0,
         status_,
         status_term_ ? status_term_->epoch : 0,
         reader_,
         {},
         {},
         {},
         has("document") && !has("embedder")};
  if (!draining_) {
    now.puller = roles_.puller;
    now.embedder = roles_.embedder;
    if (has("image") && parts_.read) now.images = roles_.images;
  }
  send(peers_, std::move(changed));
}

/// By the puller, or where there is none by what the document actors and the committer have.
caf::result<drain_progress> supervisor_actor_impl::progress() {
  if (roles_.puller) return delegate(roles_.puller, progress_atom_v);
  return drain_progress{parts_.directory->documents_in_flight(), released_, false, {}};
}

void supervisor_actor_impl::tell_sources() {
  if (!roles_.puller) return;
  sources_here now{{parts_.link.self.node}};
  for (const auto& o : others_.offers)
    if (o.files) now.nodes.push_back(o.node);
  send(roles_.puller, std::move(now));
}

/// Orders to a ledger that is lost are answered at once: whether it carried them out is not known.
void supervisor_actor_impl::on_peers(const peers_changed& message) {
  others_ = message;
  tell_sources();
  orders_.forget_unless([&](const ledger_actor& ledger) {
    return ledger == ledger_ ||
           std::any_of(message.offers.begin(), message.offers.end(),
                       [&](const node_offer& o) { return o.ledger == ledger; });
  });
  tell_orders();
  if (roles_.files) send(roles_.files, message);
  announce();
}

void supervisor_actor_impl::on_down(const caf::down_msg& down) {
  const auto id = down.source.id();
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const child& c) { return c.actor_id == id; });
  if (found == children_.end()) return;  // ended on purpose
  found->actor_id = 0;
  if (found->kind == role::document) {
    std::erase_if(documents_, [&](const document_actor& d) { return d->id() == id; });
    parts_.book->give_back(parts_.book->take_from({{}, id}), release_reason::lost, duration{0});
    send(roles_.puller, holder_died{id, false});
  }
  if (found->kind == role::peers) {
    peers_ = peers_actor{};
    on_peers({});  // every link went with it
  }
  if (found->kind == role::ledger || found->kind == role::status) {
    if (found->kind == role::ledger)
      ledger_ = ledger_actor{};
    else
      status_ = status_aggregator_actor{};
    announce();  // of this node and others: nobody sends to the dead one
    offer();
  }
  if (found->kind == role::committer) {
    parts_.book->give_back(parts_.book->take_handed_over(), release_reason::lost, duration{0});
    if (roles_.puller)
      send(roles_.puller, holder_died{id, true});
    else  // that of another node keeps account of what this one's committer had
      send(choice_.puller(others_.offers), holder_died{id, true, parts_.link.self.node});
  }
  if (failed_) return;
  ++found->restarts;
  parts_.directory->count_restart();
  const auto delay = policy_.died(clock::now());
  const auto slot = static_cast<std::uint64_t>(found - children_.begin());
  if (!delay)
    return fatal("actors die too often (" + std::to_string(parts_.config.restart.intensity) +
                 " deaths within " + std::to_string(parts_.config.restart.period.count()) +
                 " ms are allowed): see the log");
  delayed_send(this, *delay, restart_child{slot});
}

void supervisor_actor_impl::on_leadership(const leadership_changed& change) {
  const auto& term = change.term;
  const bool leads = term.epoch != 0;
  spdlog::debug("{} {} (epoch {})", leads ? "leading" : "no longer leading", term.role, term.epoch);
  const auto begin = [&](role kind, std::optional<leader_term>& mine) {
    // A new membership announces what it finds, also what has not changed.
    if (leads ? mine && mine->epoch == term.epoch && runs(kind) : !mine) return;
    end_child(kind);
    mine = leads ? std::optional{term} : std::nullopt;
    const auto slot = std::find_if(children_.begin(), children_.end(),
                                   [&](const child& c) { return c.kind == kind; });
    start(static_cast<std::size_t>(slot - children_.begin()));
    announce();
    offer();
  };
  if (term.role == "reaper") parts_.maintain_queue(leads);
  if (term.role == "ledger") begin(role::ledger, ledger_term_);
  if (term.role == "status_aggregator") begin(role::status, status_term_);
}

bool supervisor_actor_impl::runs(role kind) const {
  return std::any_of(children_.begin(), children_.end(),
                     [&](const child& c) { return c.kind == kind && c.actor_id != 0; });
}

void supervisor_actor_impl::end_child(role kind) {
  for (auto& c : children_)
    if (c.kind == kind) c.actor_id = 0;
  if (kind == role::ledger && ledger_)
    send_exit(std::exchange(ledger_, {}), caf::exit_reason::user_shutdown);
  if (kind == role::status && status_)
    send_exit(std::exchange(status_, {}), caf::exit_reason::user_shutdown);
}

void supervisor_actor_impl::on_exit() {
  failed_ = true;
  const auto end = [this](const auto& handle) {
    if (handle) anon_send_exit(handle, caf::exit_reason::user_shutdown);
  };
  for (const auto& d : documents_) end(d);
  for (const auto& i : images_) end(i);
  end(roles_.images);
  end(membership_);
  end(ledger_);
  end(status_);
  end(peers_);
  end(reader_);
  end(roles_.files);
  end(roles_.puller);
  end(roles_.embedder);
  end(roles_.committer);
  documents_.clear();
  images_.clear();
  roles_ = {};
  membership_ = membership_actor{};
  ledger_ = ledger_actor{};
  status_ = status_aggregator_actor{};
  peers_ = peers_actor{};
  reader_ = file_reader_actor{};
  others_ = {};
  parts_.link = {};
  orders_.close();
}

void supervisor_actor_impl::fatal(const std::string& reason) {
  if (std::exchange(failed_, true)) return;
  spdlog::error("this node stops: {}", reason);
  if (parts_.on_fatal) parts_.on_fatal(reason);
}

/// By this node's ledger, or by that of the node which leads.
template <class Order>
caf::result<ledger::receipt> supervisor_actor_impl::order_of_ledger(const Order& order) {
  auto promise = make_response_promise<ledger::receipt>();
  orders_.take(order, promise);
  return promise;
}

/// The one of the highest epoch; null if there is none.
ledger_actor supervisor_actor_impl::leading_ledger() const {
  auto leads = ledger_;
  auto epoch = ledger_ && ledger_term_ ? ledger_term_->epoch : 0;
  for (const auto& o : others_.offers) {
    if (!o.ledger || o.ledger_epoch <= epoch) continue;
    leads = o.ledger;
    epoch = o.ledger_epoch;
  }
  return leads;
}

void supervisor_actor_impl::tell_orders() {
  const auto leads = leading_ledger();
  orders_.use(leads);
  if (const bool known{leads}; known != std::exchange(ledger_leads_, known))
    parts_.ledger_leads(known);
}

supervisor_actor spawn_supervisor(caf::actor_system& system, engine_parts parts) {
  auto place = make_place(parts.directory, "supervisor", parts.config.mailbox.supervisor, 0);
  return system.spawn<supervisor_actor_impl>(std::move(place), std::move(parts));
}

}  // namespace millrace
