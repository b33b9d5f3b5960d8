// Submits datasets and works them off, as a node does.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "runtime/commit/group_commit.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/datasets/submit.hpp"
#include "tests/runtime/commit/commit_fixture.hpp"

namespace millrace {

struct submitted_file {
  std::string uri;
  std::string content;
};

inline submit_order order(const std::string& dataset = "d") {
  submit_order o;
  o.dataset = dataset;
  o.model = "test";
  o.dimensions = 2;
  o.options = "test";
  o.initial_grant = 1000;
  return o;
}

inline result<submit_summary> submit(test_database& db, const submit_order& o,
                                     const std::vector<submitted_file>& files) {
  auto s = submission::begin(db.pool(), o);
  if (!s) return tl::unexpected<error>(s.error());
  for (const auto& f : files)
    if (auto added = (*s)->add(f.uri, f.content.size(), sha256_hex(f.content)); !added)
      return tl::unexpected<error>(added.error());
  return (*s)->finish();
}

/// Commits all that is queued: `failing` URIs as failed, the others ready with a chunk.
inline void work_off(test_database& db, const std::vector<submitted_file>& files,
                     const std::set<std::string>& failing = {}) {
  queue q{db.pool(), {}, seed_node(db, "a")};
  claim_planner planner;
  for (auto leases = must(q.claim(planner, 100)); !leases.empty();
       leases = must(q.claim(planner, 100))) {
    std::vector<document_result> group;
    for (const auto& l : leases) {
      group.push_back(failing.contains(l.uri) ? failed(l, ec::malformed_document, true)
                                              : ready(l, 1));
      for (const auto& f : files)
        if (f.uri == l.uri) group.back().sha256 = sha256_hex(f.content);
    }
    must(commit_group(db.pool(), "a", group));
  }
}

/// Everything that a submission may change.
inline std::string all_rows(const test_database& db) {
  std::string sql = "select ''";
  for (const auto* table : {"datasets", "documents", "queue_ready", "queue_leases", "queue_dead",
                            "chunks", "images", "dataset_progress", "credit_accounts",
                            "credit_transactions", "credit_charges", "credit_refunds"})
    sql += std::string{" || coalesce((select string_agg(t::text, ' ' order by t::text) from "} +
           table + " t), '')";
  return db.query(sql);
}

}  // namespace millrace
