#include "runtime/datasets/dataset_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "runtime/database/session_options.hpp"

namespace millrace {

namespace {

constexpr auto find_sql = R"sql(
select s.id, s.name, s.model, s.dimensions, a.name
from datasets s join credit_accounts a on a.id = s.account_id
where s.name = $1 or s.id = $2 order by s.name = $1 desc limit 1)sql";

constexpr auto names_sql = R"sql(
select coalesce(string_agg('`' || name || '`', ', '), '') from
(select name from datasets order by created_at desc limit 10) d)sql";

// The rate and with it the ETA are of the whole run so far: steady, and right at the end.
constexpr auto list_sql = R"sql(
select coalesce(json_agg(d), '[]') from (
  select s.id, v.dataset, v.account, v.status, s.paused_at is not null as paused, v.total, v.ready, v.failed, v.cancelled, v.remaining, v.chunks,
         v.images, v.tokens, v.model, v.dimensions, v.credit_transaction_id, v.created_at, v.finished_at,
         case when v.finished_at is null and v.ready + v.failed > 0
              then round((v.remaining * extract(epoch from clock_timestamp() - v.created_at)
                          / (v.ready + v.failed))::numeric, 1) end as eta_seconds
  from datasets_v1 v join datasets s on s.name = v.dataset
  where ($1::bigint is null or s.id = $1) and ($2::text = '' or s.status = $2)
  order by v.created_at desc limit 1000) d)sql";

constexpr auto failures_sql = R"sql(
select coalesce(json_agg(f), '[]') from (
  select error_code as code, count(*) as documents, min(error_message) as example
  from documents where dataset_id = $1 and status = 'failed' group by error_code order by 2 desc) f)sql";

constexpr auto documents_sql = R"sql(
select coalesce(json_agg(p), '[]'), case when count(*) = $4 then max(id) end from (
  select * from (
    select d.id, d.uri,
           case when d.status = 'queued' and l.token is not null then 'processing' else d.status end as status,
           d.error_code, d.error_message, d.chunks, d.images, d.pages, d.size, d.mime,
           encode(d.content_hash, 'hex') as content_hash, d.attempts, d.finished_at
    from documents d left join queue_leases l on l.document_id = d.id
    where d.dataset_id = $1 and d.id > $2) all_documents
  where $3 = '' or status = $3
  order by id limit $4) p)sql";

// Only the query's non-zero dimensions are looked at: a few for hashing, all for a dense model.
constexpr auto search_sql = R"sql(
select coalesce(json_agg(r), '[]') from (
  select round(score::numeric, 4) as score, d.uri, h.ordinal, h.page_from, h.page_to, h.heading_path, h.text
  from (
    select c.document_id, c.ordinal, c.page_from, c.page_to, c.heading_path, c.text,
           (select sum(c.embedding[q.dimension] * q.weight) from unnest($2::int[], $3::real[]) as q(dimension, weight)) as score
    from documents d join chunks c on c.document_id = d.id
    where d.dataset_id = $1
    order by score desc nulls last, c.document_id, c.ordinal
    limit $4) h
  join documents d on d.id = h.document_id
  where h.score > 0
  order by score desc, h.document_id, h.ordinal) r)sql";

constexpr auto export_sql = R"sql(
select json_build_object(
         'dataset', $1::text, 'uri', d.uri, 'ordinal', c.ordinal, 'text', c.text, 'heading_path', c.heading_path,
         'page_from', c.page_from, 'page_to', c.page_to, 'tokens', c.tokens, 'model', $2::text,
         'embedding', c.embedding)::text,
       c.document_id, c.ordinal
from documents d join chunks c on c.document_id = d.id
where d.dataset_id = $3 and (c.document_id, c.ordinal) > ($4, $5)
order by c.document_id, c.ordinal limit $6)sql";

struct sparse_vector {
  std::string dimensions;  ///< Array literals; dimensions count from 1, as SQL does.
  std::string weights;
};

sparse_vector non_zero(const embedding_bytes& bytes) {
  sparse_vector v{"{", "{"};
  for (std::size_t i = 0; i * 4 + 4 <= bytes.size(); ++i) {
    float weight = 0;
    std::memcpy(&weight, bytes.data() + i * 4, 4);
    if (weight == 0.0F || !std::isfinite(weight)) continue;
    if (v.dimensions.size() > 1) v.dimensions += ',', v.weights += ',';
    v.dimensions += std::to_string(i + 1);
    v.weights += std::to_string(weight);
  }
  v.dimensions += '}';
  v.weights += '}';
  return v;
}

}  // namespace

result<dataset_identity> dataset_reader::find(const std::string& name_or_id) {
  return pool_.transact(
      "status", [&](sql::work& tx, pooled_connection&) -> result<dataset_identity> {
        std::int64_t id = 0;
        const auto* end = name_or_id.data() + name_or_id.size();
        if (std::from_chars(name_or_id.data(), end, id).ptr != end) id = 0;
        const auto rows = tx.exec(find_sql, sql::params{name_or_id, id});
        if (rows.empty()) {
          const std::string known = tx.exec(names_sql).one_row()[0].c_str();
          return fail(ec::unknown_dataset,
                      "there is no dataset `" + name_or_id + "`; " +
                          (known.empty() ? "none exists yet" : "there are: " + known));
        }
        return dataset_identity{rows[0][0].as<std::int64_t>(), rows[0][1].c_str(),
                                rows[0][2].c_str(), rows[0][3].as<int>(), rows[0][4].c_str()};
      });
}

result<std::string> dataset_reader::list(const std::string& status) {
  return pool_.transact("status", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    tx.exec(plan_for_values_sql).no_rows();
    return std::string{
        tx.exec(list_sql, sql::params{std::optional<std::int64_t>{}, status}).one_row()[0].c_str()};
  });
}

result<std::string> dataset_reader::one(const std::string& name_or_id) {
  const auto dataset = find(name_or_id);
  if (!dataset) return tl::unexpected<error>(dataset.error());
  return pool_.transact("status", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    tx.exec(plan_for_values_sql).no_rows();
    std::string json = tx.exec(list_sql, sql::params{dataset->id, ""}).one_row()[0].c_str();
    const auto first = json.find('{');
    const auto last = json.rfind('}');
    if (first == std::string::npos)
      return fail(ec::unknown_dataset, "dataset `" + name_or_id + "` was deleted");
    const std::string failures =
        tx.exec(failures_sql, sql::params{dataset->id}).one_row()[0].c_str();
    return json.substr(first, last - first) + ",\"failures\":" + failures + "}";
  });
}

result<std::string> dataset_reader::documents(const documents_query& q) {
  const auto dataset = find(q.dataset);
  if (!dataset) return tl::unexpected<error>(dataset.error());
  return pool_.transact("status", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    tx.exec(plan_for_values_sql).no_rows();
    const auto limit = std::clamp(q.limit, 1, max_page);
    const auto row =
        tx.exec(documents_sql, sql::params{dataset->id, q.after, q.status, limit}).one_row();
    const std::string next = row[1].is_null() ? "null" : row[1].c_str();
    return "{\"documents\":" + std::string{row[0].c_str()} + ",\"next\":" + next + "}";
  });
}

result<std::string> dataset_reader::search(const dataset_identity& dataset,
                                           const embedding_bytes& query, int limit) {
  return pool_.transact("search", [&](sql::work& tx, pooled_connection&) -> result<std::string> {
    tx.exec(plan_for_values_sql).no_rows();
    const auto v = non_zero(query);
    const auto row = tx.exec(search_sql, sql::params{dataset.id, v.dimensions, v.weights,
                                                     std::clamp(limit, 1, max_search_results)})
                         .one_row();
    return "{\"results\":" + std::string{row[0].c_str()} + "}";
  });
}

result<void> chunk_export::next(std::string& lines) {
  lines.clear();
  return pool_.transact("export", [&](sql::work& tx, pooled_connection&) -> result<void> {
    tx.exec(plan_for_values_sql).no_rows();
    for (const auto& row :
         tx.exec(export_sql, sql::params{dataset_.name, dataset_.model, dataset_.id,
                                         after_document_, after_ordinal_, batch_rows})) {
      lines += row[0].c_str();
      lines += '\n';
      after_document_ = row[1].as<std::int64_t>();
      after_ordinal_ = row[2].as<int>();
    }
    return {};
  });
}

}  // namespace millrace
