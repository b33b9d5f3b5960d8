#include "runtime/ledger/ledger.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "runtime/database/binary_rows.hpp"

namespace millrace::ledger {

namespace {

constexpr int max_history = 1000;

constexpr auto deduct_sql = R"sql(
insert into credit_transactions (id, account_id, type, amount, description, metadata, idempotency_key)
overriding system value
values ($7, $1, 'batch_deduction', -$2::bigint * $3::bigint, $4,
        jsonb_build_object('documents', $2::bigint, 'cost_per_document', $3::bigint, 'dataset_id', nullif($6::bigint, 0)), nullif($5, '')))sql";

constexpr auto charge_sql = R"sql(
insert into credit_charges (transaction_id, account_id, dataset_id, documents, cost)
values ($1, $2, nullif($3::bigint, 0), $4, $5))sql";

constexpr auto grant_sql = R"sql(
insert into credit_transactions (account_id, type, amount, description, idempotency_key)
values ($1, 'grant', $2, $3, nullif($4, ''))
returning id)sql";

constexpr auto refund_sql = R"sql(
insert into credit_transactions (account_id, type, amount, description, metadata, charge_id, idempotency_key)
values ($1, 'refund', $2::bigint * $3::bigint, $4, jsonb_build_object('documents', $2::bigint, 'cost_per_document', $3::bigint),
        $5, $6)
returning id)sql";

constexpr auto move_sql = R"sql(
update credit_accounts set balance = balance + $2 where id = $1 returning balance)sql";

constexpr auto replay_sql = R"sql(
select t.id, t.amount, t.type, coalesce(t.charge_id, 0), coalesce((t.metadata->>'documents')::bigint, 0),
       coalesce((t.metadata->>'dataset_id')::bigint, 0)
from credit_transactions t where t.account_id = $1 and t.idempotency_key = $2)sql";

// Locks in a fixed order, so that two nodes that refund the same charge wait instead of
// deadlocking. A statement of its own, before the refunds are read, so that the second node sees
// what the first one refunded.
constexpr auto lock_charges_sql = R"sql(
select from credit_charges
where transaction_id in (select charge_id from documents where id = any($1::bigint[]))
order by transaction_id for no key update)sql";

// After lock_charges_sql, in the same transaction. Accounts are locked last, also in order.
constexpr auto refund_documents_sql = R"sql(
with due as materialized (
  select d.charge_id, d.id as document_id, c.account_id, c.cost
  from documents d
  join credit_charges c on c.transaction_id = d.charge_id
  where d.id = any($1::bigint[])
    and not exists (select from credit_refunds r where r.charge_id = d.charge_id and r.document_id = d.id)
  order by d.charge_id, d.id),
grouped as (
  select charge_id, account_id, count(*) as documents, sum(cost)::bigint as amount from due
  group by charge_id, account_id),
made as (
  insert into credit_transactions (account_id, type, amount, description, metadata, charge_id)
  select account_id, 'refund', amount, $2, jsonb_build_object('documents', documents), charge_id
  from grouped order by charge_id
  returning id, charge_id, account_id, amount),
linked as (
  insert into credit_refunds (charge_id, document_id, transaction_id, amount)
  select due.charge_id, due.document_id, made.id, due.cost from due join made using (charge_id)),
charged as (
  update credit_charges c set refunded = c.refunded + made.amount from made
  where c.transaction_id = made.charge_id),
locked as materialized (
  select id from credit_accounts where id in (select account_id from made) order by id for no key update),
paid as (
  update credit_accounts a set balance = a.balance + s.amount
  from (select l.id, sum(m.amount)::bigint as amount from made m join locked l on l.id = m.account_id group by l.id) s
  where a.id = s.id)
select coalesce(sum(amount), 0)::bigint from made)sql";

struct account_row {
  std::int64_t id = 0;
  std::int64_t balance = 0;
};

/// Locks the account: what follows sees every movement before it. NO KEY: rows that refer to the
/// account (a new dataset's) hold its key shared, and two submissions that upgraded that to a full
/// lock would deadlock (ran).
result<account_row> lock_account(sql::work& tx, const std::string& account) {
  const auto rows =
      tx.exec("select id, balance from credit_accounts where name = $1 for no key update",
              sql::params{account});
  if (rows.empty())
    return fail(ec::unknown_account, "there is no credit account `" + account +
                                         "`; `millrace credits grant " + account +
                                         " AMOUNT` makes it");
  return account_row{rows[0][0].as<std::int64_t>(), rows[0][1].as<std::int64_t>()};
}

/// What a key was used for, to be compared with what it is used for now.
struct order_shape {
  std::string type;
  std::int64_t amount = 0;
  std::int64_t charge_id = 0;
  std::int64_t dataset_id = 0;
  std::int64_t documents = 0;

  friend bool operator==(const order_shape&, const order_shape&) = default;
};

/// The first answer to this key, nothing where the key is new, or a conflict.
result<std::optional<receipt>> replay(sql::work& tx, const account_row& account,
                                      const std::string& key, const order_shape& now) {
  if (key.empty()) return std::optional<receipt>{};
  const auto found = tx.exec(replay_sql, sql::params{account.id, key});
  if (found.empty()) return std::optional<receipt>{};
  const auto row = found[0];
  const auto number = [&](int column) { return row[column].as<std::int64_t>(); };
  if (order_shape{row[2].c_str(), number(1), number(3), number(5), number(4)} != now)
    return fail(
        ec::idempotency_conflict,
        "idempotency key `" + key + "` was used before with other arguments; use a new key");
  return std::optional{receipt{number(0), now.amount, account.balance, true}};
}

std::string insufficient(const std::string& account, std::int64_t balance, std::int64_t need) {
  return "account `" + account + "` has " + std::to_string(balance) + " credits, " +
         std::to_string(need) +
         " are needed; nothing was charged. Grant more with `millrace credits grant " + account +
         " " + std::to_string(need - balance) + "`";
}

}  // namespace

result<void> ensure_account(sql::work& tx, const std::string& account, std::int64_t initial_grant) {
  tx.exec("insert into credit_accounts (name) values ($1) on conflict (name) do nothing",
          sql::params{account})
      .no_rows();
  if (initial_grant == 0) return {};
  // The key makes it once; a grant of another amount was made before and stands.
  const auto granted = grant(tx, {account, initial_grant, "initial grant", "initial-grant"});
  if (!granted && granted.error().code != ec::idempotency_conflict)
    return tl::unexpected<error>(granted.error());
  return {};
}

std::int64_t reserve_transaction_id(sql::work& tx) {
  return tx.exec("select nextval(pg_get_serial_sequence('credit_transactions', 'id'))")
      .one_row()[0]
      .as<std::int64_t>();
}

result<receipt> deduct_batch(sql::work& tx, const deduction& d) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  if (d.documents < 1 || d.cost_per_document < 1 || d.documents > most / d.cost_per_document)
    return fail(ec::invalid_argument,
                "a deduction needs a document count and a cost of at least 1, and a sum that a "
                "64-bit number holds");
  const auto amount = d.documents * d.cost_per_document;
  const auto account = lock_account(tx, d.account);
  if (!account) return tl::unexpected<error>(account.error());
  const order_shape shape{"batch_deduction", -amount, 0, d.dataset_id, d.documents};
  auto before = replay(tx, *account, d.idempotency_key, shape);
  if (!before) return tl::unexpected<error>(before.error());
  if (*before) return **before;
  if (account->balance < amount)
    return fail(ec::insufficient_credits, insufficient(d.account, account->balance, amount));
  const auto id = d.transaction_id != 0 ? d.transaction_id : reserve_transaction_id(tx);
  tx.exec(deduct_sql, sql::params{account->id, d.documents, d.cost_per_document, d.description,
                                  d.idempotency_key, d.dataset_id, id})
      .no_rows();
  tx.exec(charge_sql, sql::params{id, account->id, d.dataset_id, d.documents, d.cost_per_document})
      .no_rows();
  const auto left =
      tx.exec(move_sql, sql::params{account->id, -amount}).one_row()[0].as<std::int64_t>();
  return receipt{id, -amount, left, false};
}

result<receipt> adopt_charge(sql::work& tx, const adoption& a) {
  const auto charges = tx.exec(
      "select c.documents, c.cost, c.refunded, c.dataset_id from credit_charges c "
      "join credit_accounts a on a.id = c.account_id "
      "where c.transaction_id = $1 and a.name = $2 for update of c",
      sql::params{a.transaction_id, a.account});
  const auto named = "charge " + std::to_string(a.transaction_id);
  if (charges.empty())
    return fail(ec::unknown_transaction, named + " is not a batch deduction of account `" +
                                             a.account + "`; see `millrace credits history " +
                                             a.account + "`");
  const auto charge = charges[0];
  if (!charge[3].is_null())
    return fail(ec::idempotency_conflict, named + " has paid for a dataset already");
  if (charge[2].as<std::int64_t>() != 0)
    return fail(ec::idempotency_conflict,
                named + " was refunded in part; submit without charge_id, or deduct anew");
  const auto paid = charge[0].as<std::int64_t>();
  const auto cost = charge[1].as<std::int64_t>();
  if (paid < a.documents)
    return fail(ec::insufficient_credits, named + " paid for " + std::to_string(paid) +
                                              " documents and " + std::to_string(a.documents) +
                                              " are submitted; nothing was submitted");
  const auto surplus = (paid - a.documents) * cost;
  const auto account = lock_account(tx, a.account);
  if (!account) return tl::unexpected<error>(account.error());
  tx.exec("update credit_charges set dataset_id = $2, refunded = $3 where transaction_id = $1",
          sql::params{a.transaction_id, a.dataset_id, surplus})
      .no_rows();
  if (surplus == 0) return receipt{a.transaction_id, 0, account->balance, false};
  tx.exec(refund_sql,
          sql::params{account->id, paid - a.documents, cost,
                      "refund of documents that were not submitted", a.transaction_id, nullptr})
      .one_row();
  const auto left =
      tx.exec(move_sql, sql::params{account->id, surplus}).one_row()[0].as<std::int64_t>();
  return receipt{a.transaction_id, surplus, left, false};
}

result<receipt> grant(sql::work& tx, const grant_order& g) {
  if (g.amount < 1) return fail(ec::invalid_argument, "a grant needs an amount of at least 1");
  tx.exec("insert into credit_accounts (name) values ($1) on conflict (name) do nothing",
          sql::params{g.account})
      .no_rows();
  const auto account = lock_account(tx, g.account);
  if (!account) return tl::unexpected<error>(account.error());
  auto before = replay(tx, *account, g.idempotency_key, {"grant", g.amount, 0, 0, 0});
  if (!before) return tl::unexpected<error>(before.error());
  if (*before) return **before;
  const auto id =
      tx.exec(grant_sql, sql::params{account->id, g.amount, g.description, g.idempotency_key})
          .one_row()[0]
          .as<std::int64_t>();
  const auto left =
      tx.exec(move_sql, sql::params{account->id, g.amount}).one_row()[0].as<std::int64_t>();
  return receipt{id, g.amount, left, false};
}

result<receipt> refund(sql::work& tx, const refund_order& r) {
  if (r.failed_count < 1) return fail(ec::invalid_argument, "failed_count must be at least 1");
  const auto charges = tx.exec(
      "select c.documents, c.cost, c.refunded, c.dataset_id, a.name from credit_charges c "
      "join credit_accounts a on a.id = c.account_id where c.transaction_id = $1 for update of c",
      sql::params{r.transaction_id});
  const auto named = "transaction " + std::to_string(r.transaction_id);
  if (charges.empty())
    return fail(ec::unknown_transaction,
                named + " is not a batch deduction; see `millrace credits history ACCOUNT`");
  const auto charge = charges[0];
  if (!charge[3].is_null())
    return fail(
        ec::invalid_argument,
        named +
            " paid for a dataset, whose failed documents are refunded one by one; not by count");
  const auto cost = charge[1].as<std::int64_t>();
  const auto charged = charge[0].as<std::int64_t>();
  const auto open = charged - charge[2].as<std::int64_t>() / cost;
  const auto exceeds = [&] {
    return fail(ec::refund_exceeds_charge, named + " has " + std::to_string(open) +
                                               " documents left to refund, not " +
                                               std::to_string(r.failed_count));
  };
  if (r.failed_count > charged) return exceeds();  // also keeps the products below small
  const auto account = lock_account(tx, charge[4].c_str());
  if (!account) return tl::unexpected<error>(account.error());
  const auto key = !r.idempotency_key.empty() ? r.idempotency_key
                                              : "refund/" + std::to_string(r.transaction_id) + "/" +
                                                    std::to_string(r.failed_count);
  const auto amount = r.failed_count <= open ? r.failed_count * cost : 0;
  auto before = replay(tx, *account, key,
                       {"refund", r.failed_count * cost, r.transaction_id, 0, r.failed_count});
  if (!before) return tl::unexpected<error>(before.error());
  if (*before) return **before;
  if (amount == 0) return exceeds();
  const auto id =
      tx.exec(refund_sql, sql::params{account->id, r.failed_count, cost,
                                      "refund of failed documents", r.transaction_id, key})
          .one_row()[0]
          .as<std::int64_t>();
  tx.exec("update credit_charges set refunded = refunded + $2 where transaction_id = $1",
          sql::params{r.transaction_id, amount})
      .no_rows();
  const auto left =
      tx.exec(move_sql, sql::params{account->id, amount}).one_row()[0].as<std::int64_t>();
  return receipt{id, amount, left, false};
}

result<std::int64_t> refund_documents(sql::work& tx, const std::vector<std::int64_t>& document_ids,
                                      const std::string& reason) {
  if (document_ids.empty()) return 0;
  const auto ids = int8_array_parameter(document_ids);
  tx.exec(lock_charges_sql, sql::params{ids});
  return tx.exec(refund_documents_sql, sql::params{ids, reason}).one_row()[0].as<std::int64_t>();
}

result<std::int64_t> balance(sql::work& tx, const std::string& account) {
  const auto rows =
      tx.exec("select balance from credit_accounts where name = $1", sql::params{account});
  if (rows.empty())
    return fail(ec::unknown_account, "there is no credit account `" + account +
                                         "`; `millrace credits grant " + account +
                                         " AMOUNT` makes it");
  return rows[0][0].as<std::int64_t>();
}

result<std::vector<history_entry>> history(sql::work& tx, const std::string& account,
                                           std::int64_t before, int limit) {
  if (auto known = balance(tx, account); !known) return tl::unexpected<error>(known.error());
  std::vector<history_entry> entries;
  for (const auto& row :
       tx.exec("select t.id, t.type, t.amount, t.description, t.metadata::text, "
               "to_char(t.created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') "
               "from credit_transactions t join credit_accounts a on a.id = t.account_id "
               "where a.name = $1 and ($2 = 0 or t.id < $2) order by t.id desc limit $3",
               sql::params{account, before, std::clamp(limit, 1, max_history)}))
    entries.push_back({row[0].as<std::int64_t>(), row[1].c_str(), row[2].as<std::int64_t>(),
                       row[3].c_str(), row[4].c_str(), row[5].c_str()});
  return entries;
}

}  // namespace millrace::ledger
