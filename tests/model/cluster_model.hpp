// What must hold in a cluster of simulated nodes, kept in memory: documents, leases, datasets and
// credits after each operation, by the rules of ARCHITECTURE.md and not by the code's SQL.
//
// Plain data of one thread, at most `datasets * uris_per_dataset` documents.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/commit/group_commit.hpp"
#include "runtime/datasets/submit.hpp"
#include "runtime/ledger/ledger.hpp"
#include "runtime/queue/lease.hpp"

namespace millrace::model {

/// A sentence of parts.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

struct document {
  std::string uri;
  std::string status = "queued";
  int failures = 0;
  int losses = 0;
  bool delayed = false;  ///< Waits, but not to be claimed yet.
  // Its one valid holder; token 0: nobody.
  std::int64_t token = 0;
  std::string node;
  std::int64_t incarnation = 0;
  bool overdue = false;  ///< The lease's deadline has passed.
  bool begun = false;    ///< A suspect, and it runs.
  int attempts = 0;
  std::size_t chunks = 0;
  std::size_t images = 0;
  std::int64_t commit_token = 0;
  std::int64_t charge_id = 0;
  std::string options;
  std::string content_hash;
  bool dead_lettered = false;

  bool waits() const { return status == "queued" && token == 0; }
};

struct dataset {
  std::int64_t id = 0;
  std::string name;
  std::string account;
  std::string status = "processing";
  bool paused = false;
  std::map<std::string, document> documents;  ///< By URI.

  std::int64_t count(const std::string& with_status) const;
};

/// What an idempotency key was used for, and what was answered.
struct movement {
  std::string type;
  std::int64_t transaction_id = 0;
  std::int64_t amount = 0;
  std::int64_t charge_id = 0;
  std::int64_t dataset_id = 0;
  std::int64_t documents = 0;
  bool by_retry = false;  ///< Made by a retry of the dataset, and not by its submission.

  /// The same arguments; the answer does not count.
  bool same_order(const movement& other) const;
};

struct account {
  std::int64_t balance = 0;
  std::int64_t orders = 0;  ///< Transactions but the refunds of documents, which commits gather.
  std::map<std::string, movement> keys;
};

struct charge {
  std::string account;
  std::int64_t dataset_id = 0;
  std::int64_t documents = 0;
  std::int64_t cost = 0;
  std::int64_t refunded = 0;  ///< Documents.
};

/// What an operation on credits must answer: an error, or the first answer again, or a new one.
struct expected_receipt {
  ec problem = ec::none;
  bool replayed = false;
  std::int64_t amount = 0;
  std::int64_t balance = 0;
};

struct uri_on_disk {
  std::string uri;
  std::string sha256;  ///< Empty: not computed, the document counts as changed.
};

struct expected_submission {
  ec problem = ec::none;
  std::vector<std::string> queued_again;
  std::vector<uri_on_disk> added;
  std::vector<std::string> pruned;
  std::int64_t charged = 0;

  std::int64_t submitted() const {
    return static_cast<std::int64_t>(queued_again.size() + added.size());
  }
};

class cluster_model {
 public:
  std::map<std::string, dataset> datasets;
  std::map<std::string, account> accounts;
  std::map<std::int64_t, charge> charges;
  std::int64_t document_refunds = 0;

  document* find(std::int64_t dataset_id, const std::string& uri);
  /// The document that this token holds; nullptr: it holds nothing.
  document* held_by(std::int64_t token);
  dataset* dataset_of(std::int64_t id);
  std::vector<document*> all_documents();
  bool has_claimable() const;

  // Leases.
  void claimed(document& d, const lease& l, const std::string& node, std::int64_t incarnation);
  void give_back(document& d, int failures, int losses, bool delayed);
  /// Its holder vanished.
  void lost(document& d);
  commit_outcome outcome_of(const document_result& r);
  /// Applies a commit. Returns the credits that come back.
  std::int64_t committed(const document_result& r);

  // Datasets.
  expected_submission expect(const submit_order& order, const std::vector<uri_on_disk>& files);
  void submitted(const submit_order& order, const expected_submission& e, const submit_summary& s);
  std::int64_t cancelled(dataset& d);
  void retried(dataset& d, std::int64_t charge_id);
  void status_written(dataset& d);

  // Credits.
  expected_receipt expect(const ledger::deduction& d);
  expected_receipt expect(const ledger::grant_order& g);
  expected_receipt expect(const ledger::refund_order& r);
  void deducted(const ledger::deduction& d, std::int64_t transaction_id);
  void granted(const ledger::grant_order& g, std::int64_t transaction_id);
  void refunded(const ledger::refund_order& r, std::int64_t transaction_id);
  static std::string key_of(const ledger::refund_order& r);

  /// One sentence per document, dataset and account, sorted; compare with those of the database
  /// (cluster_check.hpp).
  std::vector<std::string> describe() const;

 private:
  /// The credits of documents that ended without being ready.
  std::int64_t refund_documents(const std::vector<document*>& ended);
  void move(account& a, const std::string& key, const movement& m);
  expected_receipt replay(const account& a, const std::string& key, const movement& now) const;
};

}  // namespace millrace::model
