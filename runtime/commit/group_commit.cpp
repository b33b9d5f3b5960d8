#include "runtime/commit/group_commit.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "runtime/core/sha256.hpp"
#include "runtime/core/utf8.hpp"
#include "runtime/database/binary_rows.hpp"
#include "runtime/ledger/ledger.hpp"

namespace millrace {

namespace {

// Ends the leases that still hold and returns what the documents were before: one statement, locks
// in token order.
constexpr auto acknowledge_sql = R"sql(
with held as materialized (
  select token from queue_leases where token = any($1::bigint[]) order by token for update),
gone as (
  delete from queue_leases l using held h where l.token = h.token returning l.token, l.document_id)
select g.token, d.chunks, d.images, d.tokens
from gone g join documents d on d.id = g.document_id)sql";

constexpr auto already_committed_sql = R"sql(
select commit_token from documents where id = any($1::bigint[]) and commit_token = any($2::bigint[]))sql";

constexpr auto insert_chunks_sql = R"sql(
insert into chunks (document_id, ordinal, page_from, page_to, tokens, text, heading_path, embedding)
select document_id, ordinal, page_from, page_to, tokens, text, heading_path, embedding
from unnest($1::chunk_in[]))sql";

constexpr auto insert_images_sql = R"sql(
insert into images (document_id, ordinal, page, width, height, size, mime, sha256, text)
select document_id, ordinal, page, width, height, size, mime, sha256, text from unnest($1::image_in[]))sql";

constexpr auto update_documents_sql = R"sql(
update documents d
set status = r.status, commit_token = r.token, size = r.size, chunks = r.chunks, images = r.images,
    tokens = r.tokens, pages = r.pages, content_hash = r.content_hash, mime = r.mime, options = r.options,
    error_code = r.error_code, error_message = r.error_message, attempts = d.attempts + 1,
    finished_at = clock_timestamp()
from unnest($1::document_in[]) r
where d.id = r.document_id)sql";

constexpr auto remove_checkpoints_sql =
    "delete from checkpoints where document_id = any($1::bigint[])";

constexpr auto dead_letter_sql = R"sql(
insert into queue_dead (document_id, dataset_id, error_code, error_message, failures, losses)
select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
on conflict (document_id) do update
set error_code = excluded.error_code, error_message = excluded.error_message, failures = excluded.failures,
    losses = excluded.losses, died_at = clock_timestamp())sql";

constexpr auto progress_sql = R"sql(
insert into dataset_progress as p (dataset_id, node, ready, failed, chunks, images, tokens)
select c.dataset_id, $1, c.ready, c.failed, c.chunks, c.images, c.tokens
from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
  as c(dataset_id, ready, failed, chunks, images, tokens)
order by c.dataset_id
on conflict (dataset_id, node) do update
set ready = p.ready + excluded.ready, failed = p.failed + excluded.failed, chunks = p.chunks + excluded.chunks,
    images = p.images + excluded.images, tokens = p.tokens + excluded.tokens)sql";

/// What a document contributed before this commit; 0 unless it replaces an earlier version.
struct previous_version {
  std::int64_t chunks = 0;
  std::int64_t images = 0;
  std::int64_t tokens = 0;
};

struct dataset_change {
  std::int64_t ready = 0, failed = 0, chunks = 0, images = 0, tokens = 0;
};

/// One attempt at one transaction over documents whose rows are taken as they are.
class group_transaction {
 public:
  group_transaction(sql::work& tx, pooled_connection& connection, const std::string& node,
                    std::size_t statement_bytes)
      : tx_{tx}, connection_{connection}, node_{node}, statement_bytes_{statement_bytes} {}

  result<group_report> run(std::span<document_result> group) {
    acknowledge(group);
    group_report report;
    std::vector<const document_result*> mine;
    for (const auto& d : group) {
      const bool held = previous_.contains(d.token);
      const bool known = held || is_already_committed(group, d.token);
      report.documents.push_back({d.token,
                                  d.document_id,
                                  d.dataset_id,
                                  known ? commit_outcome::committed : commit_outcome::stale,
                                  d.failure == ec::none,
                                  d.failures,
                                  {ec::none, {}}});
      if (held) mine.push_back(&d);
    }
    if (mine.empty()) return report;
    remove_previous_versions(mine);
    insert_chunks(mine);
    insert_images(mine);
    update_documents(mine);
    remove_checkpoints(mine);
    insert_dead_letters(mine);
    add_progress(mine);
    auto refunded = refund(mine);
    if (!refunded) return tl::unexpected<error>(refunded.error());
    report.refunded = *refunded;
    report.transactions = 1;
    return report;
  }

 private:
  void acknowledge(std::span<const document_result> group) {
    std::vector<std::int64_t> tokens;
    tokens.reserve(group.size());
    for (const auto& d : group) tokens.push_back(d.token);
    connection_.prepare("commit_acknowledge", acknowledge_sql);
    for (const auto& row :
         tx_.exec(sql::prepared{"commit_acknowledge"}, sql::params{int8_array_parameter(tokens)}))
      previous_[row[0].as<std::int64_t>()] = {row[1].as<std::int64_t>(), row[2].as<std::int64_t>(),
                                              row[3].as<std::int64_t>()};
  }

  /// A lease that is gone means "committed" or "taken away": the token in the document's row tells
  /// which.
  bool is_already_committed(std::span<const document_result> group, std::int64_t token) {
    if (!looked_up_) {
      looked_up_ = true;
      std::vector<std::int64_t> ids, tokens;
      for (const auto& d : group)
        if (!previous_.contains(d.token)) {
          ids.push_back(d.document_id);
          tokens.push_back(d.token);
        }
      for (const auto& row :
           tx_.exec(already_committed_sql,
                    sql::params{int8_array_parameter(ids), int8_array_parameter(tokens)}))
        done_.push_back(row[0].as<std::int64_t>());
    }
    return std::find(done_.begin(), done_.end(), token) != done_.end();
  }

  void remove_previous_versions(const std::vector<const document_result*>& mine) {
    std::vector<std::int64_t> ids;
    for (const auto* d : mine) {
      const auto& before = previous_[d->token];
      if (before.chunks > 0 || before.images > 0) ids.push_back(d->document_id);
    }
    if (ids.empty()) return;
    std::sort(ids.begin(), ids.end());
    tx_.exec("delete from chunks where document_id = any($1::bigint[])",
             sql::params{int8_array_parameter(ids)})
        .no_rows();
    tx_.exec("delete from images where document_id = any($1::bigint[])",
             sql::params{int8_array_parameter(ids)})
        .no_rows();
  }

  void insert_chunks(const std::vector<const document_result*>& mine) {
    binary_rows rows{connection_.type_oid(tx_, "chunk_in")};
    for (const auto* d : mine)
      for (std::size_t i = 0; i < d->chunks.size(); ++i) {
        const auto& c = d->chunks[i];
        rows.begin_row(8);
        rows.int8(d->document_id);
        rows.int4(static_cast<std::int32_t>(i));
        rows.int4(static_cast<std::int32_t>(c.page_from));
        rows.int4(static_cast<std::int32_t>(c.page_to));
        rows.int4(static_cast<std::int32_t>(c.tokens));
        rows.text(c.text);
        rows.text_array(c.heading_path);
        rows.float4_array(d->embeddings[i]);
        if (rows.bytes() >= statement_bytes_) insert(rows, "commit_chunks", insert_chunks_sql);
      }
    insert(rows, "commit_chunks", insert_chunks_sql);
  }

  void insert_images(const std::vector<const document_result*>& mine) {
    binary_rows rows{connection_.type_oid(tx_, "image_in")};
    for (const auto* d : mine)
      for (std::size_t i = 0; i < d->images.size(); ++i) {
        const auto& image = d->images[i];
        rows.begin_row(9);
        rows.int8(d->document_id);
        rows.int4(static_cast<std::int32_t>(i));
        rows.int4(static_cast<std::int32_t>(image.page));
        rows.int4(static_cast<std::int32_t>(image.info.width));
        rows.int4(static_cast<std::int32_t>(image.info.height));
        rows.int8(static_cast<std::int64_t>(image.info.size));
        rows.text(image.info.mime);
        rows.text(image.info.sha256);
        rows.text(image.text);
        if (rows.bytes() >= statement_bytes_) insert(rows, "commit_images", insert_images_sql);
      }
    insert(rows, "commit_images", insert_images_sql);
  }

  /// In the order of all that locks several documents.
  void update_documents(std::vector<const document_result*> mine) {
    std::sort(mine.begin(), mine.end(),
              [](auto* a, auto* b) { return a->document_id < b->document_id; });
    binary_rows rows{connection_.type_oid(tx_, "document_in")};
    for (const auto* d : mine) {
      rows.begin_row(13);
      rows.int8(d->document_id);
      rows.int8(d->token);
      rows.text(d->failure == ec::none ? "ready" : "failed");
      rows.int8(static_cast<std::int64_t>(d->size));
      rows.int4(static_cast<std::int32_t>(d->chunks.size()));
      rows.int4(static_cast<std::int32_t>(d->images.size()));
      rows.int8(static_cast<std::int64_t>(d->tokens()));
      rows.int4(static_cast<std::int32_t>(d->pages));
      if (d->sha256.empty())
        rows.null(field_type::bytea);
      else
        rows.bytea(bytes_of_hex(d->sha256));
      rows.text(d->mime);
      rows.text(d->options);
      const auto& said =
          d->failure == ec::none ? d->warning : document_warning{d->failure, d->failure_message};
      if (said.code == ec::none) {
        rows.null(field_type::text);
        rows.null(field_type::text);
      } else {
        rows.text(to_string(said.code));
        rows.text(said.message);
      }
    }
    insert(rows, "commit_documents", update_documents_sql);
  }

  void remove_checkpoints(const std::vector<const document_result*>& mine) {
    std::vector<std::int64_t> ids;
    for (const auto* d : mine) ids.push_back(d->document_id);
    connection_.prepare("commit_checkpoints", remove_checkpoints_sql);
    tx_.exec(sql::prepared{"commit_checkpoints"}, sql::params{int8_array_parameter(ids)}).no_rows();
  }

  /// Leaves `rows` empty for the next statement.
  void insert(binary_rows& rows, const char* name, const char* sql) {
    if (rows.rows() == 0) return;
    connection_.prepare(name, sql);
    tx_.exec(sql::prepared{name}, sql::params{rows.parameter()});
    rows.clear();
  }

  void insert_dead_letters(const std::vector<const document_result*>& mine) {
    std::vector<std::int64_t> ids, datasets, failures, losses;
    std::vector<std::string> codes, messages;
    for (const auto* d : mine) {
      if (!d->dead_letter) continue;
      ids.push_back(d->document_id);
      datasets.push_back(d->dataset_id);
      codes.emplace_back(to_string(d->failure));
      messages.push_back(d->failure_message);
      failures.push_back(d->failures + 1);
      losses.push_back(d->losses);
    }
    if (ids.empty()) return;
    tx_.exec(dead_letter_sql,
             sql::params{int8_array_parameter(ids), int8_array_parameter(datasets),
                         text_array_parameter(codes), text_array_parameter(messages),
                         int8_array_parameter(failures), int8_array_parameter(losses)})
        .no_rows();
  }

  void add_progress(const std::vector<const document_result*>& mine) {
    std::map<std::int64_t, dataset_change> changes;  // sorted: the lock order
    for (const auto* d : mine) {
      auto& change = changes[d->dataset_id];
      const auto& before = previous_[d->token];
      ++(d->failure == ec::none ? change.ready : change.failed);
      change.chunks += static_cast<std::int64_t>(d->chunks.size()) - before.chunks;
      change.images += static_cast<std::int64_t>(d->images.size()) - before.images;
      change.tokens += static_cast<std::int64_t>(d->tokens()) - before.tokens;
    }
    std::vector<std::int64_t> datasets, ready, failed, chunks, images, tokens;
    for (const auto& [dataset, c] : changes) {
      datasets.push_back(dataset);
      ready.push_back(c.ready);
      failed.push_back(c.failed);
      chunks.push_back(c.chunks);
      images.push_back(c.images);
      tokens.push_back(c.tokens);
    }
    connection_.prepare("commit_progress", progress_sql);
    tx_.exec(sql::prepared{"commit_progress"},
             sql::params{node_, int8_array_parameter(datasets), int8_array_parameter(ready),
                         int8_array_parameter(failed), int8_array_parameter(chunks),
                         int8_array_parameter(images), int8_array_parameter(tokens)});
  }

  result<std::int64_t> refund(const std::vector<const document_result*>& mine) {
    std::vector<std::int64_t> failed;
    for (const auto* d : mine)
      if (d->failure != ec::none) failed.push_back(d->document_id);
    return ledger::refund_documents(tx_, failed, "refund of failed documents");
  }

  sql::work& tx_;
  pooled_connection& connection_;
  const std::string& node_;
  std::size_t statement_bytes_;
  std::unordered_map<std::int64_t, previous_version> previous_;  // by token; only leases that held
  std::vector<std::int64_t> done_;
  bool looked_up_ = false;
};

result<group_report> commit_once(connection_pool& pool, const std::string& node,
                                 std::span<document_result> group, std::size_t statement_bytes) {
  return pool.transact("commit", [&](sql::work& tx, pooled_connection& connection) {
    return group_transaction{tx, connection, node, statement_bytes}.run(group);
  });
}

/// Turns a result whose rows are refused into one that says so.
void reject(document_result& d, const error& why) {
  d.failure = ec::rejected_row;
  d.failure_message = clean_utf8("the database refused this document's rows: " + why.message);
  d.chunks.clear();
  d.embeddings.clear();
  d.images.clear();
  d.mime = clean_utf8(d.mime);
  d.options = clean_utf8(d.options);
}

/// True for errors that one document of a group may have caused.
bool may_be_of_one_document(ec code) {
  const auto kind = kind_of(code);
  return kind == error_kind::document || kind == error_kind::bug;
}

group_report unwritten(const document_result& d, error why) {
  group_report report;
  report.documents.push_back({d.token, d.document_id, d.dataset_id, commit_outcome::unwritten,
                              false, d.failures, std::move(why)});
  return report;
}

/// What becomes of the document that alone makes its transaction fail. Refused rows are final; our
/// own failure to write them is not, because another attempt may have what this one lacked.
result<group_report> commit_culprit(connection_pool& pool, const std::string& node,
                                    document_result& d, const error& why,
                                    std::size_t statement_bytes) {
  if (kind_of(why.code) != error_kind::document || d.failure == ec::rejected_row)
    return unwritten(d, why);
  reject(d, why);
  auto refused = commit_once(pool, node, {&d, 1}, statement_bytes);
  if (!refused && may_be_of_one_document(refused.error().code))
    return unwritten(d, refused.error());
  if (refused && refused->documents[0].outcome == commit_outcome::committed) {
    refused->documents[0].outcome = commit_outcome::rejected;
    refused->documents[0].reason = why;
  }
  return refused;
}

/// Halves a group until those that fail with an error of `is_of_one` are alone.
result<group_report> bisect(connection_pool& pool, const std::string& node,
                            std::span<document_result> group, std::size_t statement_bytes,
                            bool (*is_of_one)(ec)) {
  auto report = commit_once(pool, node, group, statement_bytes);
  if (report || !is_of_one(report.error().code)) return report;
  if (group.size() == 1)
    return commit_culprit(pool, node, group[0], report.error(), statement_bytes);
  const auto middle = group.size() / 2;
  auto left = bisect(pool, node, group.first(middle), statement_bytes, is_of_one);
  if (!left) return left;
  auto right = bisect(pool, node, group.subspan(middle), statement_bytes, is_of_one);
  if (!right) return right;
  left->documents.insert(left->documents.end(), right->documents.begin(), right->documents.end());
  left->refunded += right->refunded;
  left->transactions += right->transactions;
  return left;
}

}  // namespace

bool may_pass_without_one(ec code) {
  return code == ec::database_timeout || code == ec::resource_exhausted ||
         code == ec::database_conflict;
}

result<group_report> commit_group(connection_pool& pool, const std::string& node,
                                  std::span<document_result> group, std::size_t statement_bytes) {
  return bisect(pool, node, group, statement_bytes, may_be_of_one_document);
}

result<group_report> commit_apart(connection_pool& pool, const std::string& node,
                                  std::span<document_result> group, std::size_t statement_bytes) {
  return bisect(pool, node, group, statement_bytes,
                [](ec code) { return may_be_of_one_document(code) || may_pass_without_one(code); });
}

}  // namespace millrace
