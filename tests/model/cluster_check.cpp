#include "tests/model/cluster_check.hpp"

#include <algorithm>
#include <iterator>

#include "tests/model/invariants.hpp"

namespace millrace::model {

namespace {

// What the model's describe() says too.
constexpr auto look_sql = R"sql(
with movement_sums as (
  select account_id, count(*) filter (where type <> 'refund' or idempotency_key is not null) as orders
  from credit_transactions group by account_id)
select format('document %s: %s attempts=%s chunks=%s images=%s commit=%s charge=%s options=%s%s%s%s',
              d.uri, d.status, d.attempts, d.chunks, d.images, coalesce(d.commit_token, 0), coalesce(d.charge_id, 0),
              d.options,
              case when r.document_id is not null then
                format(' waits failures=%s losses=%s %s', r.failures, r.losses,
                       case when r.run_at <= now() then 'due' else 'later' end) end,
              case when l.token is not null then
                format(' token=%s %s/%s failures=%s losses=%s', l.token, l.node, l.incarnation, l.failures, l.losses) end,
              case when q.document_id is not null then ' dead' end)
from documents d
left join queue_ready r on r.document_id = d.id
left join queue_leases l on l.document_id = d.id
left join queue_dead q on q.document_id = d.id
union all
select format('dataset %s: %s total=%s%s', name, status, total, case when paused_at is not null then ' paused' end)
from datasets
union all
select format('account %s: balance=%s orders=%s', a.name, a.balance, coalesce(m.orders, 0))
from credit_accounts a left join movement_sums m on m.account_id = a.id
union all
select format('document refunds: %s', count(*)) from credit_refunds)sql";

}  // namespace

cluster_reader::cluster_reader(const std::string& connection_string)
    : connection_{connection_string} {
  connection_.prepare("look", look_sql);
}

std::vector<std::string> cluster_reader::check(const cluster_model& model) {
  auto problems = violations(connection_, max_attempts, max_losses);
  std::vector<std::string> found;
  {
    sql::read_transaction tx{connection_};
    for (const auto& row : tx.exec(sql::prepared{"look"})) found.emplace_back(row[0].c_str());
  }
  std::sort(found.begin(), found.end());
  const auto expected = model.describe();
  std::vector<std::string> missing, surplus;
  std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(),
                      std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                      std::back_inserter(surplus));
  for (const auto& line : missing) problems.push_back("the model says: " + line);
  for (const auto& line : surplus) problems.push_back("the database:   " + line);
  return problems;
}

}  // namespace millrace::model
