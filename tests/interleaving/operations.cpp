#include "tests/interleaving/operations.hpp"

#include <gtest/gtest.h>

#include "runtime/checkpoints/checkpoint_store.hpp"
#include "runtime/datasets/control.hpp"
#include "runtime/datasets/progress.hpp"
#include "runtime/datasets/reopen.hpp"
#include "runtime/datasets/submit.hpp"
#include "runtime/embedding/embedding_encoding.hpp"
#include "runtime/ledger/ledger.hpp"
#include "tests/runtime/queue/seeded_queue.hpp"

namespace millrace::interleaving {

namespace {

constexpr auto node = "a";
constexpr auto account = "payer";
/// Nobody is silent for so long here: what is reaped is overdue, or of a node that is not there.
constexpr duration node_timeout = std::chrono::hours{24};

// Rows that refer to others and the append-only ledger go as well.
constexpr auto empty_sql = R"sql(
set local session_replication_role = replica;
delete from credit_refunds; delete from credit_charges; delete from credit_transactions; delete from credit_accounts;
delete from chunks; delete from images; delete from checkpoints; delete from queue_ready; delete from queue_leases;
delete from queue_dead; delete from documents; delete from dataset_progress; delete from image_texts;
delete from uncharged_retries; delete from datasets)sql";

void execute(sql::connection& connection, const std::string& sql) {
  sql::work tx{connection};
  tx.exec(sql);
  tx.commit();
}

struct file {
  std::string uri;
  char version = '0';
};

std::string hash_of(char version) {
  return std::string(64, version);
}

submit_order order_for(const std::string& dataset) {
  submit_order o;
  o.dataset = dataset;
  o.account = account;
  o.model = "test";
  o.dimensions = 2;
  o.options = "test";
  return o;
}

result<submit_summary> submit(connection_pool& pool, const submit_order& o,
                              const std::vector<file>& files) {
  auto s = submission::begin(pool, o);
  if (!s) return tl::unexpected<error>(s.error());
  for (const auto& f : files)
    if (auto added = (*s)->add(f.uri, 1, hash_of(f.version)); !added)
      return tl::unexpected<error>(added.error());
  return (*s)->finish();
}

queue queue_of(connection_pool& pool) {
  queue_settings s;
  s.max_attempts = max_attempts;
  s.max_losses = max_losses;
  return queue{pool, s, {node, 1}};
}

document_result read(const lease& l, ec failure = ec::none) {
  document_result r{l};
  r.options = "test";
  r.sha256 = hash_of('0');
  r.failure = failure;
  if (failure != ec::none) r.failure_message = "why";
  if (failure != ec::none) return r;
  r.chunks.push_back({"of " + std::to_string(l.token), {}, 1, 1, 3});
  r.embeddings.push_back(encode_embedding({1.0F, 0.0F}));
  return r;
}

ec commit(connection_pool& pool, std::vector<document_result> group, const char* by = node) {
  return code_of(commit_group(pool, by, group));
}

ec submit_new(connection_pool& pool, const scene&, side) {
  return code_of(submit(pool, order_for("d"), {{"file:///new"}}));
}

ec submit_another(connection_pool& pool, const scene&, side) {
  return code_of(submit(pool, order_for("fresh"), {{"file:///f1"}, {"file:///f2"}}));
}

/// As an upload does: the file first, then its document.
ec submit_changed(connection_pool& pool, const scene& at, side s) {
  const std::vector<std::string> uris{"file:///1", "file://a/1"};
  const auto replaced = replace_file(pool, at.dataset, uris, []() -> result<void> { return {}; });
  if (!replaced || !*replaced) return code_of(replaced);
  auto o = order_for("d");
  o.expected_id = at.dataset;
  return code_of(submit(pool, o, {{"file:///1", s == side::first ? '1' : '2'}}));
}

ec prune(connection_pool& pool, const scene&, side) {
  auto o = order_for("d");
  o.prune = true;
  return code_of(submit(pool, o, {{"file:///1"}}));
}

ec retry(connection_pool& pool, const scene& at, side s) {
  return code_of(retry_dataset(pool, {at.dataset, s == side::first, 10, ""}));
}

ec cancel(connection_pool& pool, const scene& at, side) {
  return code_of(cancel_dataset(pool, at.dataset));
}

ec pause(connection_pool& pool, const scene& at, side) {
  return code_of(pause_dataset(pool, at.dataset));
}

ec resume(connection_pool& pool, const scene& at, side) {
  return code_of(resume_dataset(pool, at.dataset));
}

ec erase(connection_pool& pool, const scene& at, side) {
  return code_of(erase_dataset(pool, at.dataset));
}

/// The same leases in the opposite order, one of them with another outcome.
ec commit_some(connection_pool& pool, const scene& at, side s) {
  std::vector<document_result> group;
  for (const auto& l : at.leases) group.push_back(read(l));
  if (s == side::first) return commit(pool, std::move(group));
  group.front() = read(at.leases.front(), ec::malformed_document);
  std::reverse(group.begin(), group.end());
  return commit(pool, std::move(group), "b");
}

ec release(connection_pool& pool, const scene& at, side s) {
  std::vector<released_lease> leases;
  for (const auto& l : at.leases) leases.push_back({l.token});
  if (s == side::second) std::reverse(leases.begin(), leases.end());
  return code_of(queue_of(pool).release(
      leases, s == side::first ? release_reason::drained : release_reason::lost));
}

ec reap(connection_pool& pool, const scene&, side) {
  return code_of(queue_of(pool).reap({node_timeout}));
}

ec claim(connection_pool& pool, const scene&, side) {
  claim_planner planner;
  return code_of(queue_of(pool).claim(planner, 10));
}

ec extend(connection_pool& pool, const scene& at, side s) {
  std::vector<std::int64_t> tokens;
  for (const auto& l : at.leases) tokens.push_back(l.token);
  if (s == side::second) std::reverse(tokens.begin(), tokens.end());
  return code_of(queue_of(pool).extend(tokens));
}

ec make_due(connection_pool& pool, const scene&, side) {
  return code_of(queue_of(pool).make_due("file:"));
}

checkpoint_store store_of(connection_pool& pool) {
  return {pool, {}, std::chrono::hours{2}};
}

ec save_checkpoint(connection_pool& pool, const scene& at, side) {
  const auto& l = at.leases.front();
  const std::vector<embedding_bytes> embeddings{"e"};
  return code_of(store_of(pool).save(
      {l.token, l.document_id, "key", piece_kind::embeddings, 0, encode_embeddings(embeddings)}));
}

ec sweep_checkpoints(connection_pool& pool, const scene&, side) {
  return code_of(store_of(pool).sweep());
}

ec write_statuses(connection_pool& pool, const scene& at, side) {
  return code_of(write_status(pool, at.term, {at.dataset}));
}

ec fold(connection_pool& pool, const scene&, side) {
  return code_of(fold_progress(pool));
}

ec reopen(connection_pool& pool, const scene&, side) {
  return code_of(reopen_datasets(pool));
}

ec refund(connection_pool& pool, const scene& at, side s) {
  return code_of(pool.transact("test", [&](sql::work& tx, pooled_connection&) {
    return ledger::refund(tx, {at.charge, s == side::first ? 6 : 3, ""});
  }));
}

ec grant(connection_pool& pool, const scene&, side) {
  return code_of(pool.transact("test", [&](sql::work& tx, pooled_connection&) {
    return ledger::grant(tx, {account, 7, "test", "key"});
  }));
}

/// Files 1 and 2 have been read, the second as a dead letter; the others are in work.
void play_submission(connection_pool& pool, scene& at, const std::vector<file>& files) {
  at.dataset = must(submit(pool, order_for("d"), files)).dataset_id;
  claim_planner planner;
  at.leases = must(queue_of(pool).claim(planner, static_cast<int>(files.size())));
  ASSERT_EQ(at.leases.size(), files.size());
  auto letter = read(at.leases[1], ec::malformed_document);
  letter.dead_letter = true;
  letter.failures = max_attempts - 1;
  // By a node that is gone: its progress can be folded.
  EXPECT_EQ(commit(pool, {read(at.leases[0]), letter}, "gone"), ec::none);
  at.leases.erase(at.leases.begin(), at.leases.begin() + 2);
}

/// Of six documents one waits, two are in work, one's time is up, one's holder is gone.
void play_queue(sql::connection& sql, connection_pool& pool, scene& at) {
  must(queue_of(pool).release({{at.leases[0].token, std::chrono::hours{1}}},
                              release_reason::drained));
  const auto token = [&](std::size_t i) { return std::to_string(at.leases[i].token); };
  execute(sql, "update queue_leases set deadline = now() - interval '1 second' where token = " +
                   token(3) + "; update queue_leases set node = 'gone' where token = " + token(4));
  at.leases = {at.leases[1], at.leases[2], at.leases[3]};
  execute(sql,
          "insert into checkpoints select id, 'pages', 0, '', 0, '', now() - interval '1 hour' "
          "from documents where status <> 'ready'");
}

}  // namespace

const char* to_string(stage s) {
  switch (s) {
    case stage::working:
      return "working";
    case stage::last:
      return "last";
    case stage::unwritten:
      return "unwritten";
    case stage::ended:
      return "ended";
  }
  return "";
}

const std::vector<operation>& operations() {
  const std::set<ec> always{ec::none};
  const std::set<ec> of_dataset{ec::none, ec::unknown_dataset};
  const std::set<ec> of_running{ec::none, ec::unknown_dataset, ec::dataset_finished};
  const std::set<ec> of_ended{ec::none, ec::unknown_dataset, ec::dataset_running};
  static const std::vector<operation> all{
      {"submit", submit_new, of_dataset},
      {"submit_another", submit_another, of_dataset},
      {"submit_changed", submit_changed, of_dataset},
      {"prune", prune, of_dataset},
      {"retry", retry, of_ended},
      {"cancel", cancel, of_running},
      {"pause", pause, of_running},
      {"resume", resume, of_dataset},
      {"delete", erase, of_ended},
      {"commit", commit_some, always, true},
      {"release", release, always, true},
      {"reap", reap, always},
      {"claim", claim, always},
      {"extend", extend, always, true},
      {"make_due", make_due, always},
      {"save_checkpoint", save_checkpoint, always, true},
      {"sweep_checkpoints", sweep_checkpoints, always},
      {"write_status", write_statuses, always},
      {"fold", fold, always},
      {"reopen", reopen, always},
      {"refund", refund, {ec::none, ec::refund_exceeds_charge}},
      {"grant", grant, always},
  };
  return all;
}

scene set_up(sql::connection& sql, connection_pool& pool, const leader_term& term, stage s) {
  execute(sql, empty_sql);
  scene at;
  at.term = term;
  must(pool.transact("test", [&](sql::work& tx, pooled_connection&) {
    return ledger::grant(tx, {account, 10'000, "test", ""});
  }));
  at.charge = must(pool.transact("test", [&](sql::work& tx, pooled_connection&) {
                return ledger::deduct_batch(tx, {account, 10, 2, "test", 0, "", 0});
              })).transaction_id;
  std::vector<file> files{{"file:///1"}, {"file:///2"}};
  if (s == stage::last) files.push_back({"file:///3"});
  if (s == stage::working)
    for (char i = '3'; i <= '7'; ++i) files.push_back({std::string{"file:///"} + i});
  play_submission(pool, at, files);
  if (s == stage::working) play_queue(sql, pool, at);
  if (s == stage::ended) must(write_status(pool, term, {at.dataset}));
  return at;
}

void settle(sql::connection& sql, connection_pool& pool, const scene& at) {
  execute(sql,
          "update datasets set paused_at = null; update queue_ready set run_at = now(); "
          "update queue_leases set deadline = now() - interval '1 second'");
  std::vector<std::int64_t> datasets;
  {
    sql::read_transaction tx{sql};
    for (const auto& row : tx.exec("select id from datasets order by id"))
      datasets.push_back(row[0].as<std::int64_t>());
  }
  must(write_status(pool, at.term, datasets));
  must(queue_of(pool).reap({node_timeout}));
  claim_planner planner;
  for (auto leases = must(queue_of(pool).claim(planner, 100)); !leases.empty();
       leases = must(queue_of(pool).claim(planner, 100))) {
    std::vector<document_result> group;
    for (const auto& l : leases) group.push_back(read(l));
    EXPECT_EQ(commit(pool, std::move(group)), ec::none);
  }
  must(write_status(pool, at.term, datasets));
}

}  // namespace millrace::interleaving
