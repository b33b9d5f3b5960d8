// Every setting of Millrace, typed, with its default. One struct a TOML table; a member is named
// like its key. settings_schema.cpp gives each key its documentation and its limits; `millrace
// config show` prints both.
//
// A value type: made by load_settings() at start, then only read. Nothing here knows about files or
// actors.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

/// A number of bytes. "64MiB" and "50MB" in TOML.
struct byte_size {
  std::uint64_t bytes = 0;
  friend auto operator<=>(byte_size, byte_size) = default;
};

constexpr byte_size operator""_KiB(unsigned long long n) {
  return {n << 10};
}
constexpr byte_size operator""_MiB(unsigned long long n) {
  return {n << 20};
}
constexpr byte_size operator""_GiB(unsigned long long n) {
  return {n << 30};
}

/// Durations are kept in milliseconds; "250ms", "10s", "5m", "2h", "1d" in TOML.
using duration = std::chrono::milliseconds;

/// PEM files of the links between nodes, under a CA of the cluster's own. Empty: nodes make them.
struct tls_settings {
  std::string certificate;
  std::string key;
  std::string ca;
};

struct cluster_settings {
  std::string name = "millrace";
  tls_settings tls;
};

struct database_settings {
  /// "embedded:DIR", "embedded:" (the default data directory) or a postgresql:// URL.
  std::string url = "embedded:";
  int pool_size = 8;
  int max_overflow = 16;
  bool pre_ping = true;
  duration recycle = std::chrono::hours{1};
  duration connect_timeout = std::chrono::seconds{10};
  duration acquire_timeout = std::chrono::seconds{30};
  duration statement_timeout = std::chrono::seconds{60};
  duration lock_timeout = std::chrono::seconds{10};
  duration keepalives_idle = std::chrono::seconds{30};
  duration keepalives_interval = std::chrono::seconds{10};
  int keepalives_count = 5;
};

struct queue_settings {
  std::string source = "postgres";
  int batch_size = 100;
  duration poll_interval = std::chrono::seconds{5};
  duration visibility_timeout = std::chrono::hours{2};
  int max_attempts = 5;
  int max_losses = 20;
  /// First pause before a document that failed is tried again; doubles, at most retry_max.
  duration retry_min = std::chrono::seconds{2};
  duration retry_max = std::chrono::minutes{5};
};

struct documents_settings {
  int concurrency = 100;
  duration deadline = std::chrono::hours{2};
};

struct extraction_settings {
  int processes = 0;  ///< 0: one per core.
  /// Percent of the machine's or the cgroup's memory ("70%"), or a size. See memory_budget_bytes().
  std::string memory_budget = "70%";
  byte_size memory_small = 4_GiB;
  byte_size memory_large = 8_GiB;
  byte_size large_file{50'000'000};
  /// Wall and CPU time of one page, or of a document without pages as long as nothing of it is
  /// worked through.
  duration timeout = std::chrono::minutes{2};
  /// Tries of a document that crashes its parser or times out on the same page.
  int crash_attempts = 2;
  /// A worker process is replaced after this many documents, against slow leaks.
  int documents_per_process = 10'000;
  /// The most text one document may yield; over it: limit_exceeded.
  byte_size max_text = 64_MiB;
  /// required | best_effort: whether parsers may work where the kernel has no Landlock, which keeps
  /// them from reading files.
  std::string sandbox = "required";
};

struct images_settings {
  bool enabled = true;  ///< False: images of documents are not looked for.
  int concurrency = 200;
  std::string ocr = "auto";
  std::string languages = "eng";  ///< As tesseract has them: "eng+deu".
  /// Images narrower or lower than this are decoration (bullets, rules, logos).
  int min_pixels = 32;
};

struct chunking_settings {
  int max_tokens = 512;
  int overlap_tokens = 64;
};

struct embedder_settings {
  std::string provider = "hashing";  ///< "hashing" | "openai"
  int dimensions = 256;
  std::string base_url = "https://api.openai.com/v1";
  std::string model = "text-embedding-3-small";
  std::string api_key_env = "OPENAI_API_KEY";  ///< Name of the environment variable, never the key.
  std::string api_key_file;
  int requests_per_minute = 3'000;
  int tokens_per_minute = 1'000'000;
  int max_inputs = 256;  ///< Inputs in one request.
  int max_request_tokens = 100'000;
  int concurrency = 128;  ///< Requests in flight.
  int max_attempts = 5;
  duration backoff_min = std::chrono::seconds{4};
  duration backoff_max = std::chrono::seconds{60};
  duration request_timeout = std::chrono::seconds{60};
  duration batch_delay = std::chrono::milliseconds{5};  ///< Longest wait for a batch to fill.
  duration probe_interval =
      std::chrono::seconds{30};  ///< Pause of claims before a refused key is tried again.
};

struct commit_settings {
  int max_documents = 256;  ///< Documents in one group.
  duration gather = std::chrono::milliseconds{100};
  byte_size max_bytes = 16_MiB;  ///< Bytes of results that may wait or be in a group.
  byte_size spill = 16_MiB;
};

struct checkpoints_settings {
  byte_size max_size = 100_MiB;  ///< Of one document, compressed.
  byte_size max_total = 2_GiB;   ///< Of all documents together, compressed.
};

struct status_settings {
  duration debounce = std::chrono::seconds{10};
};

struct credits_settings {
  bool enabled = true;
  int cost_per_document = 10;
  std::int64_t initial_grant = 0;  ///< Given once to the account `default`, when it is first made.
};

/// For the cost report, in a currency of the user's own; 0: not counted.
struct prices_settings {
  double per_million_tokens = 0;
  double per_gigabyte_hour = 0;
};

/// Images of one document that are being read at a time.
constexpr int images_of_a_document = 8;

/// Most requests an actor of a role holds unanswered; one more is answered ec::mailbox_full.
struct mailbox_settings {
  int supervisor = 256;
  int membership = 256;
  int peers = 256;
  int file_reader = 256;
  int file_fetcher = 1024;
  int queue_puller = 1024;
  int document = 64;
  int image = 64;
  int image_desk = 8192;
  int embedder = 1024;
  int committer = 1024;
  int ledger = 256;
  int status_aggregator = 1024;
};

struct restart_settings {
  int intensity = 5;  ///< Deaths of children within `period` that a supervisor bears.
  duration period = std::chrono::seconds{30};
};

struct storage_settings {
  byte_size min_free = 1_GiB;
};

struct sources_settings {
  std::vector<std::string> allow;
  bool shared = false;        ///< Every node sees the same files under the same paths.
  byte_size scratch = 4_GiB;  ///< Of documents that lie on other nodes' disks, fetched by this one.
  /// Where files that come through the API are kept; empty: `uploads` in the data directory.
  std::string uploads;
};

struct api_settings {
  std::string listen = "127.0.0.1:8080";  ///< "HOST:PORT", "unix:PATH"; empty: no listener.
  byte_size max_upload = 1_GiB;           ///< Of one file.
};

struct drain_settings {
  duration timeout = std::chrono::seconds{30};
};

struct log_settings {
  std::string level = "info";  ///< trace | debug | info | warn | error
};

struct node_settings {
  std::string name = "local";
  std::string host = "127.0.0.1";
  int port = 0;  ///< 0: no cluster link.
  std::vector<std::string> roles = {"all"};
  std::string api = {};  ///< As api.listen; empty: api.listen, on the first node of its host.
};

/// A parser of the user's own for one MIME type, spoken to over the extractor's pipe protocol.
struct extractor_settings {
  std::string mime;
  std::vector<std::string> command;  ///< Program and arguments; no shell.
};

struct settings {
  cluster_settings cluster;
  database_settings database;
  queue_settings queue;
  documents_settings documents;
  extraction_settings extraction;
  images_settings images;
  chunking_settings chunking;
  embedder_settings embedder;
  commit_settings commit;
  checkpoints_settings checkpoints;
  status_settings status;
  credits_settings credits;
  prices_settings prices;
  mailbox_settings mailbox;
  restart_settings restart;
  storage_settings storage;
  sources_settings sources;
  api_settings api;
  drain_settings drain;
  log_settings log;
  std::vector<node_settings> node;
  std::vector<extractor_settings> extractor;
};

}  // namespace millrace
