// What users read of datasets, as JSON that PostgreSQL builds: the same answers for the HTTP API
// and the commands.
//
// Thread-safe; every call blocks for one transaction, chunk_export for one a batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/database/pool.hpp"

namespace millrace {

struct dataset_identity {
  std::int64_t id = 0;
  std::string name;
  std::string model;
  int dimensions = 0;
  std::string account;
};

struct documents_query {
  std::string dataset;
  std::string status;      ///< "": all; else queued, processing, ready, failed or cancelled.
  std::int64_t after = 0;  ///< Id to page from.
  int limit = 100;
};

inline constexpr int max_page = 1000;
inline constexpr int max_search_results = 100;

class dataset_reader {
 public:
  explicit dataset_reader(connection_pool& pool) : pool_{pool} {}

  /// unknown_dataset, with the names there are, where neither an id nor a name fits.
  result<dataset_identity> find(const std::string& name_or_id);

  /// [{"id","dataset","account","status","total","ready",…}], as datasets_v1 plus rates and the
  /// ETA: the newest 1,000, of one status where it is named.
  result<std::string> list(const std::string& status = {});
  /// One of them; `failures` groups the failed documents by code.
  result<std::string> one(const std::string& name_or_id);
  /// {"documents":[{"id","uri","status",…}],"next":ID|null}
  result<std::string> documents(const documents_query& q);
  /// {"results":[{"score","uri","page_from","page_to","heading_path","text"}]}: cosine similarity,
  /// exact.
  result<std::string> search(const dataset_identity& dataset, const embedding_bytes& query,
                             int limit);

 private:
  connection_pool& pool_;
};

/// Reads a dataset's chunks in order, in batches: memory does not grow with the dataset.
class chunk_export {
 public:
  static constexpr int batch_rows = 500;
  chunk_export(connection_pool& pool, dataset_identity dataset)
      : pool_{pool}, dataset_{std::move(dataset)} {}

  /// Fills `lines` with the next rows of chunks_v1 as JSON Lines; empty at the end.
  result<void> next(std::string& lines);

 private:
  connection_pool& pool_;
  dataset_identity dataset_;
  std::int64_t after_document_ = 0;
  int after_ordinal_ = -1;
};

}  // namespace millrace
