// Datasets with documents in the queue, written by plain SQL: what the tests of the queue and of
// commits start from, independent of how datasets are submitted.
#pragma once

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "runtime/queue/queue.hpp"
#include "tests/support/test_database.hpp"

namespace millrace {

/// A node's row, alive now.
inline holder seed_node(const test_database& db, const std::string& name) {
  db.execute(
      "insert into nodes (name, incarnation, address, roles, state, version, pid, capacity) values "
      "('" +
      name +
      "', nextval('node_incarnations'), '', '{all}', 'running', 'test', 1, 1) on conflict (name) "
      "do "
      "update set incarnation = excluded.incarnation, heartbeat_at = clock_timestamp()");
  return {name, std::stoll(db.query("select incarnation from nodes where name = '" + name + "'"))};
}

/// A processing dataset of `account` with queued documents "file:///DATASET/1" and so on; its id.
inline std::int64_t seed_dataset(const test_database& db, const std::string& name, int documents,
                                 const std::string& account = "default") {
  db.execute("insert into credit_accounts (name) values ('" + account +
             "') on conflict do nothing");
  db.execute("insert into datasets (name, account_id, status, model, dimensions, total) select '" +
             name + "', id, 'processing', 'test', 2, " + std::to_string(documents) +
             " from credit_accounts where name = '" + account + "'");
  const auto id = db.query("select id from datasets where name = '" + name + "'");
  db.execute("with d as (insert into documents (dataset_id, uri, size, options) select " + id +
             ", 'file:///" + name + "/' || n, n, 'test' from generate_series(1, " +
             std::to_string(documents) +
             ") n order by n returning id) insert into queue_ready (dataset_id, priority, run_at, "
             "document_id) select " +
             id + ", 0, now(), id from d");
  return std::stoll(id);
}

inline std::int64_t number(const test_database& db, const std::string& sql) {
  return std::stoll(db.query(sql));
}

template <class T>
T must(result<T> r) {
  if (!r) {
    ADD_FAILURE() << to_string(r.error().code) << ": " << r.error().message;
    return T{};
  }
  return std::move(*r);
}

inline ::testing::AssertionResult succeeded(const result<void>& r) {
  if (r) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << to_string(r.error().code) << ": " << r.error().message;
}

template <class T>
ec code_of(const result<T>& r) {
  return r ? ec::none : r.error().code;
}

}  // namespace millrace
