#include "tests/model/cluster_driver.hpp"

#include <algorithm>

#include "runtime/database/binary_rows.hpp"
#include "runtime/embedding/embedding_encoding.hpp"
#include "runtime/queue/attempt_policy.hpp"

namespace millrace::model {

namespace {

constexpr std::size_t history_length = 20;
constexpr std::size_t old_leases_kept = 16;
/// Longer than a round lasts: a node is silent only where a test says so.
constexpr duration node_timeout = std::chrono::hours{1};
constexpr duration long_delay = std::chrono::hours{1};

queue_settings limits() {
  queue_settings s;
  s.max_attempts = max_attempts;
  s.max_losses = max_losses;
  return s;
}

}  // namespace

const std::vector<cluster_driver::operation> cluster_driver::operations{
    {14, &cluster_driver::submit},
    {22, &cluster_driver::claim},
    {24, &cluster_driver::commit},
    {4, &cluster_driver::repeat_commit},
    {7, &cluster_driver::release},
    {2, &cluster_driver::extend},
    {3, &cluster_driver::pass_deadlines},
    {4, &cluster_driver::pass_delays},
    {4, &cluster_driver::begin},
    {4, &cluster_driver::reap},
    {2, &cluster_driver::beat},
    {2, &cluster_driver::fall_silent},
    {3, &cluster_driver::restart},
    {1, &cluster_driver::leave},
    {1, &cluster_driver::cancel},
    {2, &cluster_driver::retry},
    {2, &cluster_driver::pause_or_resume},
    {3, &cluster_driver::write_statuses},
    {3, &cluster_driver::deduct},
    {3, &cluster_driver::grant},
    {4, &cluster_driver::refund}};

cluster_driver::cluster_driver(test_database& db, std::uint64_t seed)
    : db_{db},
      pool_{db.pool()},
      reader_{db.connection_string()},
      random_{seed},
      nodes_(static_cast<std::size_t>(nodes)) {
  for (int i = 0; i < nodes; ++i) {
    auto& n = nodes_[static_cast<std::size_t>(i)];
    n.registry = std::make_unique<node_registry>(
        pool_, node_registration{text("n", i), "", {"all"}, 1, "test"});
    join(n);
  }
  for (const auto* name : {"a", "b"}) {
    const ledger::grant_order order{name, 300, "first", ""};
    const auto granted = pool_.transact(
        "test", [&](sql::work& tx, pooled_connection&) { return ledger::grant(tx, order); });
    if (ends_with(ec::none, granted, text("grant 300 to ", name)))
      model_.granted(order, granted->transaction_id);
  }
}

std::vector<std::string> cluster_driver::step() {
  int weights = 0;
  for (const auto& o : operations) weights += o.weight;
  auto at = below(weights);
  for (const auto& o : operations) {
    at -= o.weight;
    if (at >= 0) continue;
    (this->*o.run)();
    break;
  }
  while (history_.size() > history_length) history_.pop_front();
  auto wrong = std::move(complaints_);
  complaints_.clear();
  for (auto& problem : reader_.check(model_)) wrong.push_back(std::move(problem));
  return wrong;
}

std::vector<std::string> cluster_driver::finish() {
  constexpr int most_claims = 2 * datasets * uris_per_dataset;
  for (auto& n : nodes_) join(n);
  for (auto& [name, owner] : model_.datasets) {
    if (!owner.paused) continue;
    ends_with(ec::none, resume_dataset(pool_, owner.id), text("resume ", name));
    owner.paused = false;
  }
  pass_delays();
  for (int i = 0; i < most_claims && model_.has_claimable(); ++i) {
    auto& n = nodes_[0];
    n.planner.expire();
    claim_for(n, 10);
    conclude(n, std::exchange(n.held, {}), true);
  }
  expect(!model_.has_claimable(), "documents are left that nobody can claim");
  write_statuses();
  for (const auto& [name, owner] : model_.datasets)
    expect(owner.status != "processing", "dataset " + name + " does not end");
  auto wrong = std::move(complaints_);
  for (auto& problem : reader_.check(model_)) wrong.push_back(std::move(problem));
  return wrong;
}

// Leases -------------------------------------------------------------------------------------

void cluster_driver::claim() {
  auto& n = some_node();
  if (n.stopped) return restart();
  if (chance(50)) n.planner.expire();
  claim_for(n, static_cast<int>(1 + below(8)));
}

void cluster_driver::claim_for(node& n, int want) {
  const bool rescans = n.planner.needs_rescan();
  const bool claimable = model_.has_claimable();
  const auto claimed = n.work->claim(n.planner, want);
  const auto what = text(name_of(n), " claims ", want, rescans ? " after a rescan" : "");
  if (!ends_with(ec::none, claimed, what)) return;
  expect(claimed->size() <= static_cast<std::size_t>(want), what + ": more than it wanted");
  expect(!rescans || !claimable || !claimed->empty(), what + ": nothing, where something waits");
  for (const auto& l : *claimed) {
    note(text("  ", l.uri, " token ", l.token));
    expect(tokens_.insert(l.token).second, text("token ", l.token, " was given out before"));
    auto* d = model_.find(l.dataset_id, l.uri);
    if (d == nullptr) {
      expect(false, what + ": unknown document " + l.uri);
      continue;
    }
    const auto* owner = model_.dataset_of(l.dataset_id);
    expect(d->waits() && !d->delayed && owner->status == "processing" && !owner->paused,
           what + ": " + l.uri + ", which is not to be claimed");
    expect(d->failures == l.failures && d->losses == l.losses, what + ": other counters");
    model_.claimed(*d, l, name_of(n), n.incarnation);
    n.held.push_back(l);
  }
}

std::vector<lease> cluster_driver::some_leases(node& n) {
  std::vector<lease> chosen;
  std::shuffle(n.held.begin(), n.held.end(), random_);
  const auto most = std::min<std::int64_t>(static_cast<std::int64_t>(n.held.size()), 1 + below(6));
  for (std::int64_t i = 0; i < most; ++i) {
    chosen.push_back(n.held.back());
    n.held.pop_back();
  }
  if (chance(40) && !old_leases_.empty())
    for (auto i = below(3); i >= 0; --i) {
      const auto& old = old_leases_[static_cast<std::size_t>(
          below(static_cast<std::int64_t>(old_leases_.size())))];
      if (std::none_of(chosen.begin(), chosen.end(),
                       [&](const lease& l) { return l.token == old.token; }))
        chosen.push_back(old);
    }
  std::shuffle(chosen.begin(), chosen.end(), random_);
  return chosen;
}

void cluster_driver::remember_old(const std::vector<lease>& leases) {
  for (const auto& l : leases)
    if (std::none_of(old_leases_.begin(), old_leases_.end(),
                     [&](const lease& old) { return old.token == l.token; }))
      old_leases_.push_back(l);
  while (old_leases_.size() > old_leases_kept) old_leases_.erase(old_leases_.begin());
}

void cluster_driver::release() {
  auto& n = some_node();
  release_for(n, some_leases(n), chance(50) ? release_reason::drained : release_reason::lost,
              chance(30));
}

void cluster_driver::release_for(node& n, const std::vector<lease>& leases, release_reason reason,
                                 bool delayed) {
  if (leases.empty()) return;
  std::vector<released_lease> released;
  auto what = text(name_of(n), " releases as ", static_cast<int>(reason), delayed ? " later" : "");
  std::int64_t held = 0;
  for (const auto& l : leases) {
    what += text(" ", l.uri, "/", l.token);
    released.push_back({l.token, delayed ? long_delay : duration{0}});
    if (auto* d = model_.held_by(l.token)) {
      ++held;
      model_.give_back(*d, reason == release_reason::failed, reason == release_reason::lost,
                       delayed);
    }
  }
  remember_old(leases);
  const auto got = n.work->release(released, reason);
  if (ends_with(ec::none, got, what)) expect(*got == held, text(what, ": ", *got, " held"));
}

void cluster_driver::begin() {
  for (const auto& l : some_node().held) {
    if (!l.is_suspect() || chance(50)) continue;
    auto* d = model_.held_by(l.token);
    if (d != nullptr) d->begun = true;
    const auto begun = nodes_[0].work->begin(l.token);
    if (ends_with(ec::none, begun, text(l.uri, "/", l.token, " begins")))
      expect(*begun == (d != nullptr), text(l.uri, " began without a lease, or did not"));
  }
}

void cluster_driver::extend() {
  auto& n = some_node();
  std::vector<std::int64_t> tokens;
  std::int64_t held = 0;
  for (const auto* leases : {&n.held, &old_leases_})
    for (const auto& l : *leases) tokens.push_back(l.token);
  for (const auto token : tokens)
    if (auto* d = model_.held_by(token)) {
      ++held;
      d->overdue = false;
    }
  const auto got = n.work->extend(tokens);
  if (ends_with(ec::none, got, name_of(n) + " extends"))
    expect(*got == held, text("extended ", *got, " leases, not ", held));
}

void cluster_driver::pass_deadlines() {
  std::vector<std::int64_t> tokens;
  for (auto* d : model_.all_documents())
    if (d->token != 0 && chance(30)) {
      d->overdue = true;
      tokens.push_back(d->token);
    }
  note(text("the deadlines of ", tokens.size(), " leases pass"));
  auto passed = pool_.transact("test", [&](sql::work& tx, pooled_connection&) -> result<void> {
    tx.exec(
          "update queue_leases set deadline = clock_timestamp() - interval '1 second' "
          "where token = any($1::bigint[])",
          sql::params{int8_array_parameter(tokens)})
        .no_rows();
    return {};
  });
  ends_with(ec::none, passed, "deadlines");
}

void cluster_driver::pass_delays() {
  for (auto* d : model_.all_documents()) d->delayed = false;
  auto passed = pool_.transact("test", [&](sql::work& tx, pooled_connection&) -> result<void> {
    tx.exec("update queue_ready set run_at = clock_timestamp() where run_at > now()").no_rows();
    return {};
  });
  ends_with(ec::none, passed, "all delays pass");
}

std::int64_t cluster_driver::take_back_where(bool (*lost)(const document&, const node* holder)) {
  std::int64_t taken = 0;
  for (auto* d : model_.all_documents()) {
    if (d->token == 0) continue;
    const auto holder = std::find_if(nodes_.begin(), nodes_.end(), [&](const node& n) {
      return name_of(n) == d->node && n.incarnation == d->incarnation;
    });
    if (!lost(*d, holder == nodes_.end() ? nullptr : &*holder)) continue;
    model_.lost(*d);
    ++taken;
  }
  return taken;
}

void cluster_driver::reap() {
  const auto expected = take_back_where([](const document& d, const node* holder) {
    return d.overdue || holder == nullptr || holder->silent || holder->stopped;
  });
  const auto got = some_node().work->reap({node_timeout});
  if (ends_with(ec::none, got, "reap"))
    expect(*got == expected, text("reaped ", *got, " leases, not ", expected));
}

// Commits ------------------------------------------------------------------------------------

void cluster_driver::commit() {
  auto& n = some_node();
  conclude(n, some_leases(n));
}

document_result cluster_driver::result_of(const lease& l, ec failure, bool dead_letter) {
  document_result r{l};
  r.failure = failure;
  r.failure_message = failure == ec::none ? "" : "why";
  r.dead_letter = dead_letter;
  r.mime = "text/plain";
  r.sha256 = text(std::string(56, '0'), 10'000'000 + versions_[l.uri]);
  r.size = 7;
  r.options = chance(90) ? "chunk=1" : "chunk=2";
  if (failure != ec::none) return r;
  const auto chunks = below(4);
  for (std::int64_t i = 0; i < chunks; ++i) {
    r.chunks.push_back({text("of ", l.token), {}, 1, 1, static_cast<std::uint32_t>(1 + below(9))});
    r.embeddings.push_back(encode_embedding({1.0F, 2.0F}));
  }
  if (chance(30)) r.images.push_back({1, {std::string(64, 'b'), "image/png", 1, 1, 1}, "image"});
  return r;
}

void cluster_driver::conclude(node& n, std::vector<lease> leases, bool everything) {
  std::vector<document_result> group;
  std::vector<lease> failed;
  for (const auto& l : leases) {
    const auto verdict = judge_attempt(ec::embedding_unavailable, l, limits());
    if (lost_too_often(l, limits())) {
      group.push_back(result_of(l, ec::extraction_crashed, true));
    } else if (everything || chance(60)) {
      group.push_back(result_of(l, ec::none, false));
      if (!everything && !group.back().chunks.empty() && chance(4))
        group.back().chunks.back().text = std::string{"a\0b", 3};  // refused by the database
    } else if (chance(30)) {
      group.push_back(result_of(l, ec::malformed_document, false));
    } else if (verdict == attempt_verdict::dead_letter) {
      group.push_back(result_of(l, ec::embedding_unavailable, true));
    } else {
      failed.push_back(l);
    }
  }
  release_for(n, failed, release_reason::failed, !everything && chance(50));
  commit_for(n, std::move(group), false);
  remember_old(leases);
}

void cluster_driver::repeat_commit() {
  commit_for(nodes_[last_sender_], last_group_, true);
}

void cluster_driver::commit_for(node& n, std::vector<document_result> group, bool repeated) {
  if (group.empty()) return;
  const auto sent = group;
  auto what = text(name_of(n), repeated ? " repeats" : " commits");
  for (const auto& r : sent)
    what += text(" ", r.document_id, "/", r.token, "=", to_string(r.failure));
  const auto report = commit_group(pool_, name_of(n), group);
  if (ends_with(ec::none, report, what)) check_report(sent, *report, repeated);
  last_group_ = std::move(group);
  last_sender_ = static_cast<std::size_t>(&n - nodes_.data());
}

void cluster_driver::check_report(const std::vector<document_result>& sent,
                                  const group_report& report, bool repeated) {
  expect(report.documents.size() == sent.size(), "one answer per document");
  if (report.documents.size() != sent.size()) return;
  // By what was there before the group: it is one transaction, and where it is bisected a few. An
  // older token's commit may then be looked for after a newer one of its document: harmless.
  std::vector<commit_outcome> outcomes;
  for (const auto& r : sent) outcomes.push_back(model_.outcome_of(r));
  std::int64_t comes_back = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    auto r = sent[i];
    const bool refused = !r.chunks.empty() && r.chunks.back().text.size() == 3;
    auto expected = outcomes[i];
    const bool holds = model_.held_by(r.token) != nullptr;
    expect(!repeated || !holds, text("token ", r.token, " still holds after its commit"));
    if (holds && refused) {
      expected = commit_outcome::rejected;
      r.failure = ec::rejected_row;
      r.chunks.clear();
      r.images.clear();
    }
    if (holds) comes_back += model_.committed(r);
    const auto& got = report.documents[i];
    if (!holds && got.outcome == commit_outcome::stale) expected = model_.outcome_of(r);
    expect(got.token == r.token && got.outcome == expected,
           text("the commit of token ", r.token, " must end as ", static_cast<int>(expected),
                ", not as ", static_cast<int>(got.outcome)));
  }
  expect(report.refunded == comes_back,
         text("the commit refunded ", report.refunded, ", not ", comes_back));
}

// Nodes --------------------------------------------------------------------------------------

void cluster_driver::join(node& n) {
  const auto incarnation = n.registry->join();
  if (!ends_with(ec::none, incarnation, name_of(n) + " joins")) return;
  const auto before = n.incarnation;
  n.incarnation = *incarnation;
  n.silent = n.stopped = false;
  n.work = std::make_unique<queue>(pool_, limits(), holder{name_of(n), n.incarnation});
  n.planner = {};
  remember_old(std::exchange(n.held, {}));
  std::int64_t freed = 0;
  for (auto* d : model_.all_documents())
    if (d->token != 0 && d->node == name_of(n) && d->incarnation != n.incarnation) {
      model_.lost(*d);
      ++freed;
    }
  const auto got = n.work->free_former_incarnations();
  if (ends_with(ec::none, got, name_of(n) + " frees what it held"))
    expect(*got == freed, text("freed ", *got, " leases, not ", freed));
  if (before == 0) return;
  const auto late = n.registry->heartbeat(before, node_state::running);
  ends_with(ec::stale_token, late, name_of(n) + " beats from its former life");
}

void cluster_driver::restart() {
  join(some_node());
}

void cluster_driver::beat() {
  auto& n = some_node();
  if (n.stopped) return join(n);
  n.silent = false;
  ends_with(ec::none, n.registry->heartbeat(n.incarnation, node_state::running),
            name_of(n) + " beats");
}

void cluster_driver::fall_silent() {
  auto& n = some_node();
  n.silent = true;
  auto done = pool_.transact("test", [&](sql::work& tx, pooled_connection&) -> result<void> {
    tx.exec("update nodes set heartbeat_at = clock_timestamp() - interval '1 day' where name = $1",
            sql::params{name_of(n)})
        .no_rows();
    return {};
  });
  ends_with(ec::none, done, name_of(n) + " falls silent");
}

void cluster_driver::leave() {
  auto& n = some_node();
  n.stopped = true;
  n.silent = false;
  ends_with(ec::none, n.registry->leave(n.incarnation, "[]"), name_of(n) + " leaves");
}

// Chance and complaints ----------------------------------------------------------------------

// Not std::uniform_int_distribution: its numbers differ between libraries.
std::int64_t cluster_driver::below(std::int64_t end) {
  return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(end));
}

void cluster_driver::expect(bool condition, const std::string& complaint) {
  if (!condition) complaints_.push_back(complaint);
}

}  // namespace millrace::model
