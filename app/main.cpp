// The command line: which command, with which options. What commands do is in cli/.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <sys/prctl.h>

#include "app/cli/commands.hpp"
#include "app/cli/node_choice.hpp"
#include "app/cli/signals.hpp"
#include "app/cli/usage_error.hpp"
#include "app/version.hpp"
#include "runtime/cluster/certificates.hpp"
#include "runtime/core/open_files.hpp"
#include "runtime/database/embedded/holder_watch.hpp"
#include "runtime/datasets/submit.hpp"

namespace {

using namespace millrace::cli;
using millrace::max_priority;

/// Filled by CLI11, read by the command that was chosen.
struct arguments {
  global_options global;
  run_options run;
  submit_options submit;
  std::string file, dataset, words, status_filter, account = "default", key;
  node_words node;
  top_options screen;
  std::int64_t amount = 0, count = 0, cost = 0, transaction = 0;
  int documents_limit = 100, search_limit = 5, history_limit = 20;
  int days = millrace::certificate_authority::default_node_days;
  int version = 0;
  bool wait = false, cluster = false, as_copy = false;
  std::vector<std::string> rest;
};

/// CLI::PositiveNumber prints a range of 300 digits where it refuses.
CLI::Validator at_least_one() {
  return {[](std::string& text) {
            const bool digits = !text.empty() && text.size() < 19 &&
                                text.find_first_not_of("0123456789") == std::string::npos;
            return digits && text.find_first_not_of('0') != std::string::npos
                       ? std::string{}
                       : "`" + text + "` is not a whole number of at least 1";
          },
          "AT LEAST 1"};
}

void add_sources(CLI::App& command, source_options& o) {
  command.add_option("PATH", o.paths, "Files and folders (recursively)");
  command.add_option("--dataset", o.dataset,
                     "Name of the dataset; one that exists is brought in step");
  command.add_option("--account", o.account, "Credit account that pays")->capture_default_str();
  command.add_option("--include", o.include, "Only files that match this glob (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--exclude", o.exclude, "No files that match this glob (repeatable)")
      ->allow_extra_args(false);
  command.add_option("--files-from", o.files_from,
                     "Read paths from a file, one a line; - is standard input");
  command.add_flag("--prune", o.prune, "Remove documents of the dataset whose files are gone");
  command
      .add_option("--priority", o.priority,
                  "Which of the dataset's documents come first: higher ones (-100 to 100)")
      ->capture_default_str()
      ->check(CLI::Range(-max_priority, max_priority));
}

CLI::App* add(CLI::App& parent, const char* name, const char* what, arguments& a,
              std::function<int()> run, int& code) {
  auto* command = parent.add_subcommand(name, what);
  command->add_flag("--json", a.global.json, "Print JSON");
  command->add_option("--config", a.global.config_file, "Configuration file (TOML)");
  command->add_option("--data", a.global.data,
                      "Data directory of the embedded database (or MILLRACE_DATA)");
  command->add_option("--endpoint", a.global.endpoint,
                      "URL of a running node (or MILLRACE_ENDPOINT)");
  command->callback([run = std::move(run), &a, &code] {
    // What is named on the command line counts, whatever the environment says.
    if (a.global.endpoint.empty() && a.global.data.empty() && a.global.config_file.empty())
      a.global.endpoint = a.global.environment_endpoint;
    code = run();
  });
  return command;
}

void add_work(CLI::App& app, arguments& a, int& code) {
  auto* run_command = add(
      app, "run", "Process files and folders on this machine, then exit", a,
      [&a] { return run(a.global, a.run); }, code);
  add_sources(*run_command, a.run);
  run_command
      ->add_option("--pause-limit", a.run.pause_limit_seconds,
                   "Seconds a run may stay paused before it gives up")
      ->capture_default_str();
  auto* extract_command = add(
      app, "extract", "Print the elements of one file", a,
      [&a] { return extract(a.global, a.file); }, code);
  extract_command->add_option("FILE", a.file, "The file")->required();
  auto* node_command = add(
      app, "node", "Run a long-lived node", a, [&a] { return serve(a.global, a.node); }, code);
  node_command->add_option("--name", a.node.name,
                           "Which [[node]] of the config, or a name of its own");
  node_command->add_option("--listen", a.node.listen,
                           "HOST:PORT where the other nodes reach one that is not in the config");
  node_command->add_option("--api", a.node.api,
                           "HOST:PORT of the HTTP API of one that is not in the config (none)");
  node_command
      ->add_option("--roles", a.node.roles,
                   "What one that is not in the config does, separated by commas (all)")
      ->delimiter(',');
  add(
      app, "up", "Run every node of the config on this machine", a, [&a] { return up(a.global); },
      code);
  auto* submit_command = add(
      app, "submit", "Hand files to a running node", a, [&a] { return submit(a.global, a.submit); },
      code);
  add_sources(*submit_command, a.submit);
  submit_command->add_flag("--upload", a.submit.upload,
                           "Send the files: the node does not see this machine's disk");
}

void add_reading(CLI::App& app, arguments& a, int& code) {
  auto* status_command = add(
      app, "status", "Show datasets, or one", a, [&a] { return status(a.global, a.dataset); },
      code);
  status_command->add_option("DATASET", a.dataset, "Name or id");
  auto* documents_command = add(
      app, "documents", "List the documents of a dataset", a,
      [&a] { return documents(a.global, a.dataset, a.status_filter, a.documents_limit); }, code);
  documents_command->add_option("DATASET", a.dataset, "Name or id")->required();
  documents_command->add_option("--status", a.status_filter, "Only these")
      ->check(CLI::IsMember({"queued", "processing", "ready", "failed", "cancelled"}));
  documents_command->add_option("--limit", a.documents_limit, "At most so many (1 to 1000)")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  auto* search_command = add(
      app, "search", "Find the chunks nearest to some words", a,
      [&a] { return search(a.global, a.dataset, a.words, a.search_limit); }, code);
  search_command->add_option("DATASET", a.dataset, "Name or id")->required();
  search_command->add_option("WORDS", a.words, "What to look for")->required();
  search_command->add_option("--limit", a.search_limit, "At most so many (1 to 100)")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  auto* export_command = add(
      app, "export", "Print a dataset's chunks as JSON Lines", a,
      [&a] { return export_chunks(a.global, a.dataset); }, code);
  export_command->add_option("DATASET", a.dataset, "Name or id")->required();
  auto* actors_command = add(
      app, "actors", "Show the actors of the running node, or of the last run", a,
      [&a] { return actors(a.global, a.cluster); }, code);
  actors_command->add_flag("--cluster", a.cluster, "Of every node");
  add(
      app, "nodes", "Show the nodes", a, [&a] { return nodes(a.global); }, code);
  add(
      app, "queue", "Show what waits in the queue", a, [&a] { return queue_state(a.global); },
      code);
}

void add_watching(CLI::App& app, arguments& a, int& code) {
  auto* watch_command = add(
      app, "watch", "Show progress until a dataset, or all at work, have ended", a,
      [&a] { return watch(a.global, a.dataset); }, code);
  watch_command->add_option("DATASET", a.dataset, "Name or id (default: all that are at work)");
  auto* top_command = add(
      app, "top", "Show the whole cluster on the screen, again and again", a,
      [&a] { return top(a.global, a.screen); }, code);
  top_command
      ->add_option("--interval", a.screen.interval_seconds, "Seconds between pictures (0.5 to 60)")
      ->capture_default_str()
      ->check(CLI::Range(top_options::min_interval, top_options::max_interval));
  top_command->add_flag("--once", a.screen.once,
                        "Print one picture and exit, as where no terminal is");
}

void add_steering(CLI::App& app, arguments& a, int& code) {
  const auto steering = [&](const char* name, const char* what, std::function<int()> run) {
    auto* command = add(app, name, what, a, std::move(run), code);
    command->add_option("DATASET", a.dataset, "Name or id")->required();
    return command;
  };
  steering("cancel", "End a dataset; what is unfinished is refunded",
           [&a] { return cancel(a.global, a.dataset); });
  auto* retry_command = steering("retry", "Queue a dataset's failed and cancelled documents again",
                                 [&a] { return retry(a.global, a.dataset, a.key); });
  retry_command->add_option("--idempotency-key", a.key,
                            "Repeating the command with this key retries and charges once");
  steering("pause", "Start no more documents of a dataset",
           [&a] { return pause(a.global, a.dataset); });
  steering("resume", "Go on with a paused dataset", [&a] { return resume(a.global, a.dataset); });
  steering("delete", "Remove a dataset that has ended, with its documents and chunks",
           [&a] { return erase(a.global, a.dataset); });
}

void add_credits(CLI::App& app, arguments& a, int& code) {
  auto* credits = app.add_subcommand("credits", "Grant, deduct and look at credits");
  credits->require_subcommand(1);
  auto* balance = add(
      *credits, "balance", "Show an account's balance", a,
      [&a] { return credits_balance(a.global, a.account); }, code);
  balance->add_option("ACCOUNT", a.account, "The account")->capture_default_str();
  auto* history = add(
      *credits, "history", "Show an account's transactions, newest first", a,
      [&a] { return credits_history(a.global, a.account, a.history_limit); }, code);
  history->add_option("ACCOUNT", a.account, "The account")->capture_default_str();
  history->add_option("--limit", a.history_limit, "At most so many (1 to 1000)")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  auto* grant = add(
      *credits, "grant", "Add credits to an account, which is made where it is missing", a,
      [&a] { return credits_grant(a.global, a.account, a.amount, a.key); }, code);
  grant->add_option("ACCOUNT", a.account, "The account")->required();
  grant->add_option("AMOUNT", a.amount, "Credits")->required()->check(at_least_one());
  grant->add_option("--idempotency-key", a.key, "Repeating the command with this key grants once");
  auto* deduct = add(
      *credits, "deduct-batch", "Charge a batch of documents in one transaction", a,
      [&a] { return credits_deduct(a.global, a.account, a.count, a.cost, a.key); }, code);
  deduct->add_option("ACCOUNT", a.account, "The account")->required();
  deduct->add_option("COUNT", a.count, "Documents")->required()->check(at_least_one());
  deduct->add_option("--cost", a.cost, "Credits a document (default: credits.cost_per_document)");
  deduct->add_option("--idempotency-key", a.key,
                     "Repeating the command with this key charges once");
  auto* refund = add(
      *credits, "refund", "Give back failed documents of a batch deduction", a,
      [&a] { return credits_refund(a.global, a.transaction, a.count); }, code);
  refund->add_option("TRANSACTION", a.transaction, "Id of the batch deduction")->required();
  refund->add_option("FAILED", a.count, "Documents that failed")->required()->check(at_least_one());
}

void add_cluster(CLI::App& app, arguments& a, int& code) {
  auto* drain_command = add(
      app, "drain", "Move the work of a node away; it stays up without any", a,
      [&a] { return drain(a.global, a.node.name, a.wait); }, code);
  drain_command->add_option("NODE", a.node.name, "Name of the node")->required();
  drain_command->add_flag("--wait", a.wait, "Show how it goes until the node has no work left");
  auto* certs_command = add(
      app, "certs", "Make the certificates of the links between nodes", a,
      [&a] { return certificates(a.global, a.file, a.rest, a.days); }, code);
  certs_command->add_option("DIRECTORY", a.file, "Where they go; a CA that is there is used")
      ->required();
  certs_command->add_option("NODE", a.rest, "Names of nodes (default: those of --config)");
  certs_command->add_option("--days", a.days, "How long the nodes' certificates are valid")
      ->capture_default_str()
      ->check(CLI::Range(1, 3650));
}

void add_administration(CLI::App& app, arguments& a, int& code) {
  auto* config = app.add_subcommand("config", "Check and show the configuration");
  config->require_subcommand(1);
  auto* check = add(
      *config, "check", "Say whether a file is right", a,
      [&a] { return config_check(a.global, a.file); }, code);
  check->add_option("FILE", a.file, "TOML file");
  add(
      *config, "show", "Print every key, its value and what it means", a,
      [&a] { return config_show(a.global); }, code);
  auto* db = app.add_subcommand("db", "Look after the database");
  db->require_subcommand(1);
  add(
      *db, "migrate", "Bring the database to this version's schema", a,
      [&a] { return db_migrate(a.global); }, code);
  add(
      *db, "status", "Show the schema's version and where the data are", a,
      [&a] { return db_status(a.global); }, code);
  add(
      *db, "monitor", "Show connections, lock waits, progress and errors", a,
      [&a] { return db_monitor(a.global); }, code);
  auto* backup = add(
      *db, "backup", "Write the database to a file while nodes work", a,
      [&a] { return db_backup(a.global, a.file); }, code);
  backup->add_option("FILE", a.file, "A file that does not exist yet")->required();
  auto* restored = add(
      *db, "restore", "Fill an empty database from a backup", a,
      [&a] { return db_restore(a.global, a.file, a.as_copy); }, code);
  restored->add_option("FILE", a.file, "What `millrace db backup` wrote")->required();
  restored->add_flag(
      "--as-copy", a.as_copy,
      "For a copy that is used while its original is too: it gets an identity of its own");
  auto* upgraded = add(
      *db, "upgrade", "Move the embedded database to a newer PostgreSQL", a,
      [&a] { return db_upgrade(a.global, a.version); }, code);
  upgraded->add_option("--to", a.version, "Major version (default: the newest installed)")
      ->check(at_least_one());
  auto* psql = add(
      *db, "psql", "Open the database; arguments behind -- go to psql", a,
      [&a] { return db_psql(a.global, a.rest); }, code);
  psql->add_option("ARGUMENTS", a.rest, "Passed to psql");
}

}  // namespace

/// Read once and before the options, which win. (CLI11 would let the environment of a command that
/// was not chosen overwrite an option that was given.)
void read_environment(global_options& global) {
  const auto read = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string{value == nullptr ? "" : value};
  };
  global.token = read("MILLRACE_TOKEN");
  global.environment_endpoint = read("MILLRACE_ENDPOINT");
  global.environment_data = read("MILLRACE_DATA");
}

/// Everything that a command opened is closed when it returns; idle threads of the actor system are
/// left behind, and static destructors must not run under them.
[[noreturn]] void leave(int code) {
  std::fflush(nullptr);
  std::_Exit(code);
}

int main(int argc, char** argv) {
  if (argc == 4 && argv[1] == std::string_view{millrace::postgres::holder_watch_command})
    std::_Exit(millrace::postgres::run_holder_watch(std::atoi(argv[3])));
  block_stop_signals();
  millrace::raise_open_files_limit();
  ::prctl(PR_SET_NAME, "millrace");  // `up` executes /proc/self/exe
  arguments a;
  int code = 0;
  read_environment(a.global);
  CLI::App app{"Turns documents into searchable, embedded chunks in PostgreSQL.", "millrace"};
  app.set_version_flag("--version", std::string{"millrace "} + millrace::version);
  app.require_subcommand(1);
  add_work(app, a, code);
  add_reading(app, a, code);
  add_watching(app, a, code);
  add_steering(app, a, code);
  add_credits(app, a, code);
  add_cluster(app, a, code);
  add_administration(app, a, code);
  if (const auto problem = wrong_command(app, argc, argv); !problem.empty()) {
    std::fprintf(stderr, "millrace: %s\n", problem.c_str());
    leave(static_cast<int>(exit::usage));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) leave(app.exit(e));  // --help, --version
    std::fprintf(stderr, "millrace: %s\n", wrong_arguments(app, e, argc, argv).c_str());
    leave(static_cast<int>(exit::usage));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "millrace: %s\n", e.what());
    leave(static_cast<int>(exit::error));
  }
  leave(code);
}
