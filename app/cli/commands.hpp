// Every command: its options and what it does. Each returns the process's exit code.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/cli/options.hpp"

namespace millrace::cli {

struct source_options {
  std::vector<std::string> paths;
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  std::string files_from;  ///< "-": standard input, one path a line.
  std::string dataset;
  std::string account = "default";
  bool prune = false;
  int priority = 0;  ///< -100 to 100; higher ones come first.
};

struct submit_options : source_options {
  bool upload = false;  ///< The node does not see the files: they are sent.
};

struct run_options : source_options {
  int pause_limit_seconds = 600;  ///< Ends a run whose claims stay paused that long.
};

int run(const global_options& global, const run_options& options);
int submit(const global_options& global, const submit_options& options);
int extract(const global_options& global, const std::string& file);
struct node_words;
int serve(const global_options& global, const node_words& words);
int up(const global_options& global);
int drain(const global_options& global, const std::string& node, bool wait);
int certificates(const global_options& global, const std::string& directory,
                 std::vector<std::string> nodes, int days);

int status(const global_options& global, const std::string& dataset);
int documents(const global_options& global, const std::string& dataset,
              const std::string& status_filter, int limit);
int search(const global_options& global, const std::string& dataset, const std::string& words,
           int limit);
int export_chunks(const global_options& global, const std::string& dataset);
int actors(const global_options& global, bool cluster);
int nodes(const global_options& global);
int queue_state(const global_options& global);
struct top_options {
  static constexpr double min_interval = 0.5, max_interval = 60;
  double interval_seconds = 2;
  bool once = false;  ///< One picture, also on a terminal.
};
int top(const global_options& global, const top_options& options);
int watch(const global_options& global, const std::string& dataset);

int cancel(const global_options& global, const std::string& dataset);
int retry(const global_options& global, const std::string& dataset, const std::string& key);
int pause(const global_options& global, const std::string& dataset);
int resume(const global_options& global, const std::string& dataset);
int erase(const global_options& global, const std::string& dataset);

int credits_balance(const global_options& global, const std::string& account);
int credits_history(const global_options& global, const std::string& account, int limit);
int credits_grant(const global_options& global, const std::string& account, std::int64_t amount,
                  const std::string& key);
int credits_deduct(const global_options& global, const std::string& account, std::int64_t count,
                   std::int64_t cost, const std::string& key);
int credits_refund(const global_options& global, std::int64_t transaction, std::int64_t count);

int config_check(const global_options& global, const std::string& file);
int config_show(const global_options& global);

int db_migrate(const global_options& global);
int db_status(const global_options& global);
int db_monitor(const global_options& global);
int db_backup(const global_options& global, const std::string& file);
/// `as_copy`: the database gets an identity of its own.
int db_restore(const global_options& global, const std::string& file, bool as_copy);
/// `version`: 0 is the newest installed one.
int db_upgrade(const global_options& global, int version);
int db_psql(const global_options& global, const std::vector<std::string>& arguments);

/// The paths of the command line and of --files-from; path_missing before anything is started.
result<std::vector<std::filesystem::path>> source_paths(const source_options& options);

}  // namespace millrace::cli
