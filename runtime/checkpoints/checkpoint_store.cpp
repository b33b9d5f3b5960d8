#include "runtime/checkpoints/checkpoint_store.hpp"

#include <spdlog/spdlog.h>

#include "runtime/checkpoints/segment.hpp"
#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

// The lease's row is locked by its update, so neither a commit nor a reaper passes while this
// writes.
constexpr auto save_sql = R"sql(
with held as materialized (
  update queue_leases set deadline = clock_timestamp() + $7::bigint * interval '1 millisecond'
  where token = $1 and document_id = $2 returning document_id),
room as materialized (
  select h.document_id from held h
  where length($5::bytea)
        + coalesce((select sum(size) from checkpoints c
                    where c.document_id = $2 and not (c.kind = 'embeddings' and c.piece = $3)), 0) <= $6
    and length($5::bytea) + coalesce((select sum(size) from checkpoints), 0) <= $8),
saved as (
  insert into checkpoints as c (document_id, kind, piece, key, size, segment)
  select document_id, 'embeddings', $3, $4, length($5::bytea), $5 from room
  on conflict (document_id, kind, piece) do update
  set key = excluded.key, size = excluded.size, segment = excluded.segment, saved_at = clock_timestamp()
  returning size)
select (select count(*) from held), (select count(*) from saved))sql";

constexpr auto load_sql = R"sql(
select piece, segment from checkpoints
where document_id = $1 and kind = 'embeddings' and key = $2 order by piece)sql";

constexpr auto sweep_sql = R"sql(
delete from checkpoints c
where not exists (select from documents d where d.id = c.document_id and d.status = 'queued'))sql";

}  // namespace

result<saved_checkpoint> checkpoint_store::save(const checkpoint_order& order) {
  const auto segment = encode_segment(order.piece.embeddings);
  if (segment.empty()) return saved_checkpoint{checkpoint_outcome::skipped, 0};
  return pool_.transact(
      "checkpoint", [&](pqxx::work& tx, pooled_connection& c) -> result<saved_checkpoint> {
        c.prepare("checkpoint_save", save_sql);
        const auto row = tx.exec_prepared1(
            "checkpoint_save", order.token, order.document_id,
            static_cast<std::int64_t>(order.piece.first_chunk), pqxx::binarystring{order.key},
            pqxx::binarystring{segment}, static_cast<std::int64_t>(limits_.max_size.bytes),
            static_cast<std::int64_t>(visibility_timeout_.count()),
            static_cast<std::int64_t>(limits_.max_total.bytes));
        if (row[0].as<int>() == 0) return saved_checkpoint{checkpoint_outcome::stale, 0};
        if (row[1].as<int>() == 0) return saved_checkpoint{checkpoint_outcome::skipped, 0};
        return saved_checkpoint{checkpoint_outcome::saved, segment.size()};
      });
}

result<std::vector<embedded_piece>> checkpoint_store::load(std::int64_t document_id,
                                                           const std::string& key) {
  return pool_.transact(
      "checkpoint",
      [&](pqxx::work& tx, pooled_connection& c) -> result<std::vector<embedded_piece>> {
        c.prepare("checkpoint_load", load_sql);
        std::vector<embedded_piece> pieces;
        for (const auto& row :
             tx.exec_prepared("checkpoint_load", document_id, pqxx::binarystring{key})) {
          auto embeddings = decode_segment(pqxx::binarystring{row[1]}.str());
          if (embeddings)
            pieces.push_back({row[0].as<std::size_t>(), std::move(*embeddings)});
          else
            spdlog::warn("a checkpoint of document {} is damaged and is made again", document_id);
        }
        return pieces;
      });
}

result<std::int64_t> checkpoint_store::sweep() {
  return pool_.transact("checkpoint",
                        [&](pqxx::work& tx, pooled_connection&) -> result<std::int64_t> {
                          return static_cast<std::int64_t>(tx.exec(sweep_sql).affected_rows());
                        });
}

}  // namespace millrace
