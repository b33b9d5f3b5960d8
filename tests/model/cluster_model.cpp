#include "tests/model/cluster_model.hpp"

#include <algorithm>

namespace millrace::model {

std::int64_t dataset::count(const std::string& with_status) const {
  return std::count_if(documents.begin(), documents.end(),
                       [&](const auto& d) { return d.second.status == with_status; });
}

bool movement::same_order(const movement& other) const {
  return type == other.type && amount == other.amount && charge_id == other.charge_id &&
         dataset_id == other.dataset_id && documents == other.documents;
}

// Looking up ---------------------------------------------------------------------------------

dataset* cluster_model::dataset_of(std::int64_t id) {
  for (auto& [name, d] : datasets)
    if (d.id == id) return &d;
  return nullptr;
}

document* cluster_model::find(std::int64_t dataset_id, const std::string& uri) {
  auto* owner = dataset_of(dataset_id);
  if (owner == nullptr) return nullptr;
  const auto found = owner->documents.find(uri);
  return found == owner->documents.end() ? nullptr : &found->second;
}

std::vector<document*> cluster_model::all_documents() {
  std::vector<document*> all;
  for (auto& [name, owner] : datasets)
    for (auto& [uri, d] : owner.documents) all.push_back(&d);
  return all;
}

document* cluster_model::held_by(std::int64_t token) {
  for (auto* d : all_documents())
    if (d->token == token) return d;
  return nullptr;
}

bool cluster_model::has_claimable() const {
  for (const auto& [name, owner] : datasets) {
    if (owner.status != "processing" || owner.paused) continue;
    for (const auto& [uri, d] : owner.documents)
      if (d.waits() && !d.delayed) return true;
  }
  return false;
}

// Leases -------------------------------------------------------------------------------------

void cluster_model::claimed(document& d, const lease& l, const std::string& node,
                            std::int64_t incarnation) {
  d.token = l.token;
  d.node = node;
  d.incarnation = incarnation;
  d.overdue = d.begun = false;
}

void cluster_model::lost(document& d) {
  give_back(d, 0, d.losses < 2 || d.begun ? 1 : 0, false);
}

void cluster_model::give_back(document& d, int failures, int losses, bool delayed) {
  d.token = 0;
  d.failures += failures;
  d.losses += losses;
  d.attempts += failures + losses > 0 ? 1 : 0;
  d.delayed = delayed;
}

commit_outcome cluster_model::outcome_of(const document_result& r) {
  if (held_by(r.token) != nullptr) return commit_outcome::committed;
  for (const auto* d : all_documents())
    if (d->commit_token == r.token) return commit_outcome::committed;
  return commit_outcome::stale;
}

std::int64_t cluster_model::committed(const document_result& r) {
  auto& d = *held_by(r.token);
  d.token = 0;
  d.failures = d.losses = 0;
  d.commit_token = r.token;
  ++d.attempts;
  d.status = r.failure == ec::none ? "ready" : "failed";
  d.chunks = r.chunks.size();
  d.images = r.images.size();
  d.options = r.options;
  d.content_hash = r.sha256;
  d.dead_lettered = r.dead_letter;
  return r.failure == ec::none ? 0 : refund_documents({&d});
}

// Datasets -----------------------------------------------------------------------------------

expected_submission cluster_model::expect(const submit_order& order,
                                          const std::vector<uri_on_disk>& files) {
  expected_submission e;
  const auto known = datasets.find(order.dataset);
  const bool exists = known != datasets.end();
  if (exists && (order.require_new || known->second.account != order.account)) {
    e.problem = ec::dataset_conflict;
    return e;
  }
  std::set<std::string> named;
  std::int64_t comes_back = 0;
  for (const auto& file : files) {
    named.insert(file.uri);
    const auto* d = exists ? find(known->second.id, file.uri) : nullptr;
    if (d == nullptr)
      e.added.push_back(file);
    else if (d->status != "queued" && (d->status != "ready" || d->options != order.options ||
                                       file.sha256.empty() || d->content_hash != file.sha256))
      e.queued_again.push_back(file.uri);
  }
  if (exists && order.prune)
    for (const auto& [uri, d] : known->second.documents)
      if (!named.contains(uri)) {
        e.pruned.push_back(uri);
        if (d.status == "queued" && d.charge_id != 0) comes_back += charges[d.charge_id].cost;
      }
  if (!order.charge || e.submitted() == 0) return e;
  e.charged = e.submitted() * order.cost_per_document;
  const auto& payer = accounts[order.account];
  if (payer.keys.contains(order.idempotency_key))
    e.problem = ec::idempotency_conflict;
  else if (payer.balance + comes_back < e.charged)
    e.problem = ec::insufficient_credits;
  return e;
}

void cluster_model::submitted(const submit_order& order, const expected_submission& e,
                              const submit_summary& s) {
  auto& owner = datasets[order.dataset];
  if (owner.id == 0) {
    owner.id = s.dataset_id;
    owner.name = order.dataset;
    owner.account = order.account;
  }
  const auto charge_id = s.transaction_id.value_or(0);
  std::vector<document*> unfinished;
  for (const auto& uri : e.pruned)
    if (auto& d = owner.documents[uri]; d.status == "queued") unfinished.push_back(&d);
  refund_documents(unfinished);
  for (const auto& uri : e.pruned) owner.documents.erase(uri);
  for (const auto& uri : e.queued_again) {
    auto& d = owner.documents[uri];
    d.status = "queued";
    d.delayed = d.dead_lettered = false;
    d.charge_id = charge_id;
  }
  for (const auto& file : e.added) {
    auto& d = owner.documents[file.uri];
    d.uri = file.uri;
    d.charge_id = charge_id;
    d.options = order.options;
  }
  if (e.charged > 0)
    deducted({order.account, e.submitted(), order.cost_per_document, "", owner.id,
              order.idempotency_key, 0},
             charge_id);
  if (owner.count("queued") > 0)
    owner.status = "processing";
  else if (owner.status == "processing")
    owner.status = "ready";
}

std::int64_t cluster_model::cancelled(dataset& owner) {
  std::vector<document*> unfinished;
  for (auto& [uri, d] : owner.documents)
    if (d.status == "queued") {
      d.status = "cancelled";
      d.token = 0;
      d.failures = d.losses = 0;
      unfinished.push_back(&d);
    }
  owner.status = "cancelled";
  owner.paused = false;
  return refund_documents(unfinished);
}

void cluster_model::retried(dataset& owner, std::int64_t charge_id) {
  owner.paused = false;
  for (auto& [uri, d] : owner.documents)
    if (d.status == "failed" || d.status == "cancelled") {
      d.status = "queued";
      d.delayed = d.dead_lettered = false;
      d.charge_id = charge_id;
    }
  owner.status = "processing";
}

void cluster_model::status_written(dataset& owner) {
  if (owner.status != "processing" || owner.count("queued") > 0) return;
  owner.status = owner.count("ready") == 0 && owner.count("failed") > 0 ? "failed" : "ready";
}

// Credits ------------------------------------------------------------------------------------

std::int64_t cluster_model::refund_documents(const std::vector<document*>& ended) {
  std::map<std::int64_t, std::int64_t> by_charge;
  for (const auto* d : ended)
    if (d->charge_id != 0) ++by_charge[d->charge_id];
  std::int64_t sum = 0;
  for (const auto& [id, documents] : by_charge) {
    auto& paid = charges[id];
    paid.refunded += documents;
    document_refunds += documents;
    sum += documents * paid.cost;
    accounts[paid.account].balance += documents * paid.cost;
  }
  return sum;
}

void cluster_model::move(account& a, const std::string& key, const movement& m) {
  a.balance += m.amount;
  ++a.orders;
  if (!key.empty()) a.keys[key] = m;
}

expected_receipt cluster_model::replay(const account& a, const std::string& key,
                                       const movement& now) const {
  const auto used = a.keys.find(key);
  if (used == a.keys.end()) return {ec::none, false, now.amount, a.balance + now.amount};
  if (!used->second.same_order(now)) return {ec::idempotency_conflict, false, 0, 0};
  return {ec::none, true, used->second.amount, a.balance};
}

expected_receipt cluster_model::expect(const ledger::deduction& d) {
  const auto payer = accounts.find(d.account);
  if (payer == accounts.end()) return {ec::unknown_account, false, 0, 0};
  const auto amount = d.documents * d.cost_per_document;
  const auto answer = replay(payer->second, d.idempotency_key,
                             {"batch_deduction", 0, -amount, 0, d.dataset_id, d.documents});
  if (answer.problem == ec::none && !answer.replayed && payer->second.balance < amount)
    return {ec::insufficient_credits, false, 0, 0};
  return answer;
}

expected_receipt cluster_model::expect(const ledger::grant_order& g) {
  return replay(accounts[g.account], g.idempotency_key, {"grant", 0, g.amount, 0, 0, 0});
}

expected_receipt cluster_model::expect(const ledger::refund_order& r) {
  const auto found = charges.find(r.transaction_id);
  if (found == charges.end()) return {ec::unknown_transaction, false, 0, 0};
  const auto& paid = found->second;
  if (paid.dataset_id != 0) return {ec::invalid_argument, false, 0, 0};
  if (r.failed_count > paid.documents) return {ec::refund_exceeds_charge, false, 0, 0};
  const auto answer =
      replay(accounts[paid.account], key_of(r),
             {"refund", 0, r.failed_count * paid.cost, r.transaction_id, 0, r.failed_count});
  if (answer.problem == ec::none && !answer.replayed &&
      paid.refunded + r.failed_count > paid.documents)
    return {ec::refund_exceeds_charge, false, 0, 0};
  return answer;
}

void cluster_model::deducted(const ledger::deduction& d, std::int64_t transaction_id) {
  const auto amount = d.documents * d.cost_per_document;
  charges[transaction_id] = {d.account, d.dataset_id, d.documents, d.cost_per_document, 0};
  move(accounts[d.account], d.idempotency_key,
       {"batch_deduction", transaction_id, -amount, 0, d.dataset_id, d.documents});
}

void cluster_model::granted(const ledger::grant_order& g, std::int64_t transaction_id) {
  move(accounts[g.account], g.idempotency_key, {"grant", transaction_id, g.amount, 0, 0, 0});
}

void cluster_model::refunded(const ledger::refund_order& r, std::int64_t transaction_id) {
  auto& paid = charges[r.transaction_id];
  paid.refunded += r.failed_count;
  move(accounts[paid.account], key_of(r),
       {"refund", transaction_id, r.failed_count * paid.cost, r.transaction_id, 0, r.failed_count});
}

std::string cluster_model::key_of(const ledger::refund_order& r) {
  return r.idempotency_key.empty() ? text("refund/", r.transaction_id, "/", r.failed_count)
                                   : r.idempotency_key;
}

// Describing ---------------------------------------------------------------------------------

namespace {

std::string sentence(const document& d) {
  auto line = text("document ", d.uri, ": ", d.status, " attempts=", d.attempts,
                   " chunks=", d.chunks, " images=", d.images, " commit=", d.commit_token,
                   " charge=", d.charge_id, " options=", d.options);
  const auto tries = text(" failures=", d.failures, " losses=", d.losses);
  if (d.waits()) line += text(" waits", tries, d.delayed ? " later" : " due");
  if (d.token != 0) line += text(" token=", d.token, " ", d.node, "/", d.incarnation, tries);
  if (d.dead_lettered) line += " dead";
  return line;
}

}  // namespace

std::vector<std::string> cluster_model::describe() const {
  std::vector<std::string> lines;
  for (const auto& [name, owner] : datasets) {
    lines.push_back(text("dataset ", name, ": ", owner.status, " total=", owner.documents.size(),
                         owner.paused ? " paused" : ""));
    for (const auto& [uri, d] : owner.documents) lines.push_back(sentence(d));
  }
  for (const auto& [name, a] : accounts)
    lines.push_back(text("account ", name, ": balance=", a.balance, " orders=", a.orders));
  lines.push_back(text("document refunds: ", document_refunds));
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace millrace::model
