#include "runtime/checkpoints/checkpoint_store.hpp"

#include <spdlog/spdlog.h>

#include "runtime/checkpoints/segment.hpp"
#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

// The lease's row is locked by its update, so neither a commit nor a reaper passes while this
// writes. Pages that are saved are progress: the failures before them do not count any more.
constexpr auto save_sql = R"sql(
with used as materialized (
  select (select coalesce(sum(size), 0) from checkpoints c
          where c.document_id = $2 and not (c.kind = $9 and c.piece = $3)) as document,
         (select coalesce(sum(size), 0) from checkpoints) as total),
room as materialized (
  select length($5::bytea) + document <= $6 and length($5::bytea) + total <= $8 as fits from used),
held as materialized (
  update queue_leases l set deadline = clock_timestamp() + $7::bigint * interval '1 millisecond',
    failures = case when r.fits and $9 = 'pages' then 0 else l.failures end
  from room r where l.token = $1 and l.document_id = $2 returning l.document_id),
saved as (
  insert into checkpoints as c (document_id, kind, piece, key, size, segment)
  select h.document_id, $9, $3, $4, length($5::bytea), $5 from held h, room r where r.fits
  on conflict (document_id, kind, piece) do update
  set key = excluded.key, size = excluded.size, segment = excluded.segment, saved_at = clock_timestamp()
  returning size)
select (select count(*) from held), (select count(*) from saved), (select document from used) + length($5::bytea))sql";

constexpr auto load_sql = R"sql(
select kind, piece, segment from checkpoints where document_id = $1 and key = $2 order by kind, piece)sql";

// A piece may be saved anew after this statement began, of a document that was queued again by
// then: its row is seen as it is, the document as it was. Such a piece is younger than this
// transaction (had it been saved before, the document would be seen as queued). What others hold is
// left to the next time.
constexpr auto sweep_sql = R"sql(
with left_over as materialized (
  select c.document_id, c.kind, c.piece from checkpoints c
  where c.saved_at < now()
    and not exists (select from documents d where d.id = c.document_id and d.status = 'queued')
  order by c.document_id, c.kind, c.piece for update of c skip locked)
delete from checkpoints c using left_over o
where c.document_id = o.document_id and c.kind = o.kind and c.piece = o.piece)sql";

/// Takes a piece into what was found so far; false where its content is not of its kind.
bool take_piece(saved_pieces& into, std::string_view kind, std::size_t number,
                const std::string& content) {
  if (kind == to_string(piece_kind::images)) {
    auto images = decode_images(content);
    if (!images) return false;
    for (auto& i : *images) into.images.insert_or_assign(i.image.info.sha256, std::move(i));
    return true;
  }
  auto embeddings = decode_embeddings(content);
  if (!embeddings) return false;
  into.embeddings.insert_or_assign(number, std::move(*embeddings));
  return true;
}

}  // namespace

result<saved_checkpoint> checkpoint_store::save(const checkpoint_order& order) {
  const auto segment = pack_segment(order.content);
  if (segment.empty()) return saved_checkpoint{checkpoint_outcome::skipped};
  return pool_.transact(
      "checkpoint", [&](sql::work& tx, pooled_connection& c) -> result<saved_checkpoint> {
        c.prepare("checkpoint_save", save_sql);
        const auto row = tx.exec(sql::prepared{"checkpoint_save"},
                                 sql::params{order.token, order.document_id,
                                             static_cast<std::int64_t>(order.number),
                                             sql::bytes{order.key}, sql::bytes{segment},
                                             static_cast<std::int64_t>(limits_.max_size.bytes),
                                             static_cast<std::int64_t>(visibility_timeout_.count()),
                                             static_cast<std::int64_t>(limits_.max_total.bytes),
                                             std::string{to_string(order.kind)}})
                             .one_row();
        if (row[0].as<int>() == 0) return saved_checkpoint{checkpoint_outcome::stale};
        if (row[1].as<int>() == 0) return saved_checkpoint{checkpoint_outcome::skipped};
        return saved_checkpoint{checkpoint_outcome::saved, segment.size(),
                                row[2].as<std::uint64_t>()};
      });
}

result<saved_pieces> checkpoint_store::load(std::int64_t document_id, const std::string& key) {
  return pool_.transact(
      "checkpoint", [&](sql::work& tx, pooled_connection& c) -> result<saved_pieces> {
        c.prepare("checkpoint_load", load_sql);
        saved_pieces pieces;
        pieces.key = key;
        std::vector<std::string> pages;
        bool damaged = false;
        for (const auto& row :
             tx.exec(sql::prepared{"checkpoint_load"}, sql::params{document_id, sql::bytes{key}})) {
          const std::string_view kind = row[0].c_str();
          const auto number = row[1].as<std::size_t>();
          auto content = unpack_segment(sql::content_of(row[2]));
          if (content && kind == to_string(piece_kind::pages)) {
            // One that is missing leaves the rest in the wrong places.
            if (number == pages.size()) pages.push_back(std::move(*content));
          } else if (!content || !take_piece(pieces, kind, number, *content)) {
            damaged = true;
          }
        }
        pieces.extraction = decode_extraction(pages);
        if (damaged)
          spdlog::warn("a checkpoint of document {} is damaged and is made again", document_id);
        return pieces;
      });
}

result<std::int64_t> checkpoint_store::sweep() {
  return pool_.transact("checkpoint",
                        [&](sql::work& tx, pooled_connection&) -> result<std::int64_t> {
                          return static_cast<std::int64_t>(tx.exec(sweep_sql).affected_rows());
                        });
}

}  // namespace millrace
