#include "config/settings_schema.hpp"

#include "config/text_forms.hpp"
#include "config/units.hpp"

namespace millrace {
namespace {

using namespace std::chrono_literals;

constexpr byte_size operator""_TiB(unsigned long long n) {
  return {n << 40};
}

template <auto Table, auto Member>
value_ref in_table(settings& s) {
  return &((s.*Table).*Member);
}

template <auto Table, auto Member>
setting_key<settings> key(std::string_view path, value_rules rules, std::string_view doc) {
  return {path, &in_table<Table, Member>, std::move(rules), doc};
}

template <class Owner, auto Member>
setting_key<Owner> element_key(std::string_view path, value_rules rules, std::string_view doc) {
  return {path, [](Owner& owner) -> value_ref { return &(owner.*Member); }, std::move(rules), doc};
}

template <auto Member>
value_ref in_tls(settings& s) {
  return &(s.cluster.tls.*Member);
}

value_rules any() {
  return {};
}
value_rules whole(std::int64_t min, std::int64_t max) {
  return {.min = min, .max = max};
}
value_rules lasting(duration min, duration max) {
  return {.min = min.count(), .max = max.count()};
}
value_rules sized(byte_size min, byte_size max) {
  return {.min = static_cast<std::int64_t>(min.bytes), .max = static_cast<std::int64_t>(max.bytes)};
}
value_rules one_of(std::vector<std::string_view> choices) {
  return {.choices = std::move(choices)};
}
value_rules text(bool (*accepts)(std::string_view), std::string_view form) {
  return {.accepts = accepts, .form = form};
}
/// At least `min` texts, each of the form.
value_rules texts(std::int64_t min, bool (*accepts)(std::string_view) = nullptr,
                  std::string_view form = {}) {
  return {.min = min, .max = 1'000, .accepts = accepts, .form = form};
}
value_rules required(value_rules rules) {
  rules.is_required = true;
  return rules;
}
value_rules name() {
  return text(is_name, "a name of letters, digits, '-', '_' and '.'");
}
value_rules mailbox() {
  return whole(1, 1'000'000);
}

bool is_role(std::string_view role) {
  for (const std::string& known : role_names())
    if (role == known) return true;
  return false;
}

bool is_file_uri(std::string_view t) {
  return t.starts_with("file:///");
}

bool is_not_empty(std::string_view t) {
  return !t.empty();
}

bool is_absolute_or_empty(std::string_view t) {
  return t.empty() || t.starts_with('/');
}

std::vector<setting_key<settings>> cluster_and_database_keys() {
  using s = settings;
  using c = cluster_settings;
  using t = tls_settings;
  using d = database_settings;
  return {
      key<&s::cluster, &c::name>("cluster.name", name(),
                                 "Nodes of one name and one database make a cluster."),
      {"cluster.tls.certificate", in_tls<&t::certificate>, any(),
       "PEM file of this node's certificate, which names it. Required unless every node is on "
       "loopback: there nodes make their own."},
      {"cluster.tls.key", in_tls<&t::key>, any(),
       "PEM file of the certificate's private key, readable by its owner only."},
      {"cluster.tls.ca", in_tls<&t::ca>, any(),
       "PEM file of the cluster's own CA: whoever it signed is let in."},

      key<&s::database, &d::url>(
          "database.url", text(is_database_url, "\"embedded:DIR\" or a postgresql:// URL"),
          "\"embedded:DIR\" starts a private PostgreSQL in DIR, \"embedded:\" in the default data "
          "directory; a postgresql:// URL uses a server of yours. The password comes from "
          "PGPASSWORD or a PGPASSFILE."),
      key<&s::database, &d::pool_size>("database.pool_size", whole(1, 1'000),
                                       "Connections that a node keeps."),
      key<&s::database, &d::max_overflow>(
          "database.max_overflow", whole(0, 1'000),
          "Connections beyond pool_size that a node opens under load and closes after use."),
      key<&s::database, &d::pre_ping>("database.pre_ping", any(),
                                      "Test an idle connection before it is used."),
      key<&s::database, &d::recycle>("database.recycle", lasting(1s, 168h),
                                     "Replace connections older than this."),
      key<&s::database, &d::connect_timeout>("database.connect_timeout", lasting(1s, 10min),
                                             "Longest wait for a new connection."),
      key<&s::database, &d::acquire_timeout>("database.acquire_timeout", lasting(100ms, 1h),
                                             "Longest wait for a free connection of the pool."),
      key<&s::database, &d::statement_timeout>("database.statement_timeout", lasting(100ms, 24h),
                                               "The server ends a statement that runs longer."),
      key<&s::database, &d::lock_timeout>(
          "database.lock_timeout", lasting(100ms, 1h),
          "The server ends a statement that waits longer for a lock."),
      key<&s::database, &d::keepalives_idle>(
          "database.keepalives_idle", lasting(1s, 2h),
          "Silence before TCP asks whether the server is alive."),
      key<&s::database, &d::keepalives_interval>("database.keepalives_interval", lasting(1s, 1h),
                                                 "Time between two such questions."),
      key<&s::database, &d::keepalives_count>(
          "database.keepalives_count", whole(1, 100),
          "Unanswered questions until a connection is given up."),
  };
}

std::vector<setting_key<settings>> document_keys() {
  using s = settings;
  using q = queue_settings;
  using d = documents_settings;
  using e = extraction_settings;
  return {
      key<&s::queue, &q::source>("queue.source", one_of({"postgres"}), "Where work comes from."),
      key<&s::queue, &q::batch_size>("queue.batch_size", whole(1, 1'000),
                                     "Most documents that are claimed at once."),
      key<&s::queue, &q::poll_interval>(
          "queue.poll_interval", lasting(10ms, 1h),
          "How often an empty queue is asked again; a submission wakes it at once."),
      key<&s::queue, &q::visibility_timeout>(
          "queue.visibility_timeout", lasting(1s, 168h),
          "A claimed document that shows no progress for this long goes back to the queue."),
      key<&s::queue, &q::max_attempts>(
          "queue.max_attempts", whole(1, 100),
          "Failures by a document's own fault until it is given up and its credits are refunded."),
      key<&s::queue, &q::max_losses>(
          "queue.max_losses", whole(1, 1'000),
          "Times that a document's node may vanish until the document is given up."),
      key<&s::queue, &q::retry_min>("queue.retry_min", lasting(0ms, 24h),
                                    "Pause before the first new attempt; doubles with each."),
      key<&s::queue, &q::retry_max>("queue.retry_max", lasting(0ms, 168h),
                                    "Longest pause before a new attempt."),

      key<&s::documents, &d::concurrency>("documents.concurrency", whole(1, 100'000),
                                          "Documents that a node works on at a time."),
      key<&s::documents, &d::deadline>("documents.deadline", lasting(1s, 168h),
                                       "Longest time for one document as a whole."),

      key<&s::extraction, &e::processes>("extraction.processes", whole(0, 1'024),
                                         "Parser processes of a node; 0: one per core."),
      key<&s::extraction, &e::memory_budget>(
          "extraction.memory_budget",
          text(is_memory_budget, "a share such as \"70%\" or a size such as \"16GiB\""),
          "Sum of the memory caps of parsers at work: a share of the machine's or its cgroup's "
          "memory, or a size."),
      key<&s::extraction, &e::memory_small>(
          "extraction.memory_small", sized(64_MiB, 1_TiB),
          "Memory cap of a parser for a document below large_file."),
      key<&s::extraction, &e::memory_large>(
          "extraction.memory_large", sized(64_MiB, 1_TiB),
          "Memory cap for larger documents, and for those that died of memory."),
      key<&s::extraction, &e::large_file>("extraction.large_file", sized({1}, 1_TiB),
                                          "From this size on a document is large."),
      key<&s::extraction, &e::timeout>("extraction.timeout", lasting(100ms, 24h),
                                       "Longest time for one page; then the parser is killed."),
      key<&s::extraction, &e::crash_attempts>(
          "extraction.crash_attempts", whole(1, 10),
          "Tries of a document that crashes its parser or times out on the same page, without a "
          "pause."),
      key<&s::extraction, &e::documents_per_process>(
          "extraction.documents_per_process", whole(1, 1'000'000),
          "A parser is replaced after so many documents, against slow leaks."),
      key<&s::extraction, &e::max_text>("extraction.max_text", sized(1_KiB, 1_GiB),
                                        "Most text that one document may yield."),
      key<&s::extraction, &e::sandbox>(
          "extraction.sandbox", one_of({"required", "best_effort"}),
          "best_effort: parse on kernels without Landlock too, where a parser that a document has "
          "taken over could read the files of the node's user."),
  };
}

std::vector<setting_key<settings>> content_keys() {
  using s = settings;
  using i = images_settings;
  using c = chunking_settings;
  using e = embedder_settings;
  return {
      key<&s::images, &i::enabled>("images.enabled", any(),
                                   "Images of documents are found, filtered and listed."),
      key<&s::images, &i::concurrency>("images.concurrency", whole(1, 100'000),
                                       "Images that a node works on at a time."),
      key<&s::images, &i::ocr>(
          "images.ocr", one_of({"auto", "off"}),
          "auto: text in images, and on pages without text of their own, is read."),
      key<&s::images, &i::languages>(
          "images.languages", text(is_ocr_languages, "tesseract's languages, such as \"eng+deu\""),
          "Languages of text in images; each needs its package, such as tesseract-ocr-deu."),
      key<&s::images, &i::min_pixels>("images.min_pixels", whole(1, 100'000),
                                      "Images narrower or lower than this are decoration."),

      key<&s::chunking, &c::max_tokens>("chunking.max_tokens", whole(16, 8'192),
                                        "Most tokens of a chunk."),
      key<&s::chunking, &c::overlap_tokens>("chunking.overlap_tokens", whole(0, 8'191),
                                            "Tokens that a chunk repeats of the one before it."),

      key<&s::embedder, &e::provider>(
          "embedder.provider", one_of({"hashing", "openai"}),
          "hashing: built in, lexical, no network. openai: any server with OpenAI's API."),
      key<&s::embedder, &e::dimensions>(
          "embedder.dimensions", whole(8, 16'000),
          "Length of a vector; a dataset keeps the one it began with."),
      key<&s::embedder, &e::base_url>("embedder.base_url",
                                      text(is_http_url, "an http:// or https:// URL"),
                                      "openai: the server, up to /embeddings."),
      key<&s::embedder, &e::model>("embedder.model", text(is_not_empty, "a model's name"),
                                   "openai: the model's name."),
      key<&s::embedder, &e::api_key_env>(
          "embedder.api_key_env", text(is_variable_name, "the name of an environment variable"),
          "openai: name of the environment variable that holds the API key."),
      key<&s::embedder, &e::api_key_file>(
          "embedder.api_key_file", any(),
          "openai: file that holds the API key; wins over api_key_env."),
      key<&s::embedder, &e::requests_per_minute>(
          "embedder.requests_per_minute", whole(1, 10'000'000), "openai: limit of this node."),
      key<&s::embedder, &e::tokens_per_minute>(
          "embedder.tokens_per_minute", whole(1, 2'000'000'000), "openai: limit of this node."),
      key<&s::embedder, &e::max_inputs>("embedder.max_inputs", whole(1, 2'048),
                                        "Most chunks in one batch."),
      key<&s::embedder, &e::max_request_tokens>("embedder.max_request_tokens",
                                                whole(16, 10'000'000), "Most tokens in one batch."),
      key<&s::embedder, &e::concurrency>("embedder.concurrency", whole(1, 10'000),
                                         "openai: most requests in flight; it adapts below this."),
      key<&s::embedder, &e::max_attempts>("embedder.max_attempts", whole(1, 100),
                                          "openai: tries of one request."),
      key<&s::embedder, &e::backoff_min>(
          "embedder.backoff_min", lasting(0ms, 1h),
          "openai: pause before the second try; doubles, with jitter."),
      key<&s::embedder, &e::backoff_max>("embedder.backoff_max", lasting(0ms, 24h),
                                         "openai: longest pause between tries."),
      key<&s::embedder, &e::request_timeout>("embedder.request_timeout", lasting(100ms, 1h),
                                             "openai: longest wait for one answer."),
      key<&s::embedder, &e::batch_delay>("embedder.batch_delay", lasting(0ms, 1min),
                                         "Longest wait for a batch to fill."),
      key<&s::embedder, &e::probe_interval>("embedder.probe_interval", lasting(100ms, 24h),
                                            "openai: pause of all claims after a refused key or a "
                                            "used-up quota, before it is tried again."),
  };
}

std::vector<setting_key<settings>> storage_and_money_keys() {
  using s = settings;
  using c = commit_settings;
  using p = checkpoints_settings;
  return {
      key<&s::commit, &c::max_documents>("commit.max_documents", whole(1, 100'000),
                                         "Most documents in one transaction."),
      key<&s::commit, &c::gather>("commit.gather", lasting(0ms, 10s),
                                  "After a transaction, for so long only a full one follows: many "
                                  "documents in one cost the database less."),
      key<&s::commit, &c::max_bytes>(
          "commit.max_bytes", sized(64_KiB, 16_GiB),
          "Most bytes of results that wait for a transaction or are in it."),
      key<&s::commit, &c::spill>("commit.spill", sized(64_KiB, 16_GiB),
                                 "Embeddings of a document beyond this go through a scratch file "
                                 "in $TMPDIR; rows go to the database in statements of about so "
                                 "many bytes."),

      key<&s::checkpoints, &p::max_size>(
          "checkpoints.max_size", sized({0}, 1_TiB),
          "Most saved pieces of one unfinished document, compressed; 0B: save none."),
      key<&s::checkpoints, &p::max_total>(
          "checkpoints.max_total", sized({0}, 1_TiB),
          "Most saved pieces of all unfinished documents together."),

      key<&s::status, &status_settings::debounce>(
          "status.debounce", lasting(0ms, 1h),
          "A dataset's row is written at most this often while it changes, and always at the end."),

      key<&s::credits, &credits_settings::enabled>(
          "credits.enabled", any(), "Charge for documents, and refund those that fail."),
      key<&s::credits, &credits_settings::cost_per_document>(
          "credits.cost_per_document", whole(0, 1'000'000'000), "Credits for one document."),
      key<&s::credits, &credits_settings::initial_grant>(
          "credits.initial_grant", whole(0, 1'000'000'000'000'000),
          "Credits that the account \"default\" is given once, when it is first made."),

      key<&s::prices, &prices_settings::per_million_tokens>(
          "prices.per_million_tokens", whole(0, 1'000'000),
          "For the cost report: price of a million embedded tokens; 0: not counted."),
      key<&s::prices, &prices_settings::per_gigabyte_hour>(
          "prices.per_gigabyte_hour", whole(0, 1'000'000),
          "For the cost report: price of a gigabyte of memory for an hour; 0: not counted."),

      key<&s::storage, &storage_settings::min_free>(
          "storage.min_free", sized({0}, 1'024_TiB),
          "While the disk has less room than this, no new document is begun."),
  };
}

std::vector<setting_key<settings>> node_wide_keys() {
  using s = settings;
  using m = mailbox_settings;
  return {
      key<&s::mailbox, &m::supervisor>("mailbox.supervisor", mailbox(),
                                       "Most unanswered requests that an actor of this role holds; "
                                       "one more is refused. So for each role."),
      key<&s::mailbox, &m::membership>("mailbox.membership", mailbox(), "As above."),
      key<&s::mailbox, &m::peers>("mailbox.peers", mailbox(), "As above."),
      key<&s::mailbox, &m::file_reader>("mailbox.file_reader", mailbox(), "As above."),
      key<&s::mailbox, &m::file_fetcher>("mailbox.file_fetcher", mailbox(),
                                         "As above; at least documents.concurrency."),
      key<&s::mailbox, &m::queue_puller>("mailbox.queue_puller", mailbox(), "As above."),
      key<&s::mailbox, &m::document>("mailbox.document", mailbox(), "As above."),
      key<&s::mailbox, &m::image>("mailbox.image", mailbox(), "As above."),
      key<&s::mailbox, &m::image_desk>(
          "mailbox.image_desk", mailbox(),
          "As above; 8 times documents.concurrency or more, so that no "
          "document waits for a place."),
      key<&s::mailbox, &m::embedder>("mailbox.embedder", mailbox(),
                                     "As above; at least documents.concurrency."),
      key<&s::mailbox, &m::committer>("mailbox.committer", mailbox(),
                                      "As above; at least documents.concurrency."),
      key<&s::mailbox, &m::ledger>("mailbox.ledger", mailbox(), "As above."),
      key<&s::mailbox, &m::status_aggregator>("mailbox.status_aggregator", mailbox(), "As above."),

      key<&s::restart, &restart_settings::intensity>(
          "restart.intensity", whole(0, 1'000),
          "Deaths of actors within restart.period that a node bears; one more ends it."),
      key<&s::restart, &restart_settings::period>("restart.period", lasting(1s, 24h),
                                                  "The time over which deaths are counted."),

      key<&s::sources, &sources_settings::allow>(
          "sources.allow", texts(0, is_file_uri, "a URL prefix such as \"file:///srv/documents\""),
          "What datasets may name, as URL prefixes. Empty: only what `run` is given."),
      key<&s::sources, &sources_settings::shared>(
          "sources.shared", any(),
          "Every node sees the same files under the same paths (one machine, or a network disk). "
          "Else a file is read from the node where it was submitted."),
      key<&s::sources, &sources_settings::scratch>("sources.scratch", sized(16_MiB, 16_TiB),
                                                   "Bytes in $TMPDIR for documents that lie on "
                                                   "other nodes' disks, while they are worked on."),
      key<&s::sources, &sources_settings::uploads>(
          "sources.uploads", text(is_absolute_or_empty, "an absolute path or \"\""),
          "Folder for files that come through the API. \"\": `uploads` in the data directory of an "
          "embedded database; with a server there is none, and uploads are refused."),

      key<&s::api, &api_settings::listen>(
          "api.listen", text(is_listen_address, "\"HOST:PORT\", \"unix:/PATH\" or \"\""),
          "Address of the HTTP API and the metrics; \"\": none. Beyond loopback it "
          "needs the token in MILLRACE_TOKEN."),
      key<&s::api, &api_settings::max_upload>("api.max_upload", sized(1_KiB, 1_TiB),
                                              "The largest file that may be uploaded."),

      key<&s::drain, &drain_settings::timeout>("drain.timeout", lasting(0ms, 24h),
                                               "How long a node that is asked to stop lets "
                                               "documents finish; the rest go back to the queue."),

      key<&s::log, &log_settings::level>("log.level",
                                         one_of({"trace", "debug", "info", "warn", "error"}),
                                         "The least severe lines that are logged."),
  };
}

std::vector<setting_key<settings>> all_keys() {
  std::vector<setting_key<settings>> all;
  for (auto* part : {&cluster_and_database_keys, &document_keys, &content_keys,
                     &storage_and_money_keys, &node_wide_keys})
    for (auto& k : part()) all.push_back(std::move(k));
  return all;
}

/// `20` and "10s" and "4GiB": a limit as the user writes values of this type.
std::string limit_text(const value_ref& value, std::int64_t limit) {
  if (std::holds_alternative<duration*>(value)) return '"' + to_string(duration{limit}) + '"';
  if (std::holds_alternative<byte_size*>(value))
    return '"' + to_string(byte_size{static_cast<std::uint64_t>(limit)}) + '"';
  return std::to_string(limit);
}

std::string type_text(const value_ref& value) {
  struct visitor {
    std::string operator()(bool*) const { return "true or false"; }
    std::string operator()(int*) const { return "a whole number"; }
    std::string operator()(std::int64_t*) const { return "a whole number"; }
    std::string operator()(double*) const { return "a number"; }
    std::string operator()(duration*) const { return "a duration"; }
    std::string operator()(byte_size*) const { return "a size"; }
    std::string operator()(std::string*) const { return "a text"; }
    std::string operator()(std::vector<std::string>*) const { return "a list of texts"; }
  };
  return std::visit(visitor{}, value);
}

std::string join_quoted(const std::vector<std::string_view>& texts) {
  std::string joined;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) joined += i + 1 == texts.size() ? " or " : ", ";
    joined += '"' + std::string(texts[i]) + '"';
  }
  return joined;
}

}  // namespace

std::span<const setting_key<settings>> settings_keys() {
  static const std::vector<setting_key<settings>> keys = all_keys();
  return keys;
}

std::span<const setting_key<node_settings>> node_keys() {
  using n = node_settings;
  static const std::vector<setting_key<n>> keys = {
      element_key<n, &n::name>("node.name", required(name()), "Unique in the cluster."),
      element_key<n, &n::host>("node.host", text(is_host, "a host name or an address"),
                               "Where the other nodes reach this one."),
      element_key<n, &n::port>("node.port", whole(0, 65'535),
                               "Port of the links between nodes; 0: none, for a node alone."),
      element_key<n, &n::api>("node.api",
                              text(is_listen_address, "\"HOST:PORT\", \"unix:/PATH\" or \"\""),
                              "Address of this node's HTTP API. \"\": api.listen where it is the "
                              "first node of its host, "
                              "else none."),
      element_key<n, &n::roles>(
          "node.roles",
          texts(1, is_role,
                "one of all, queue_puller, document, image, embedder, ledger, status_aggregator"),
          "What runs on this node; \"all\" for everything. Work that needs another role goes to a "
          "node that has it."),
  };
  return keys;
}

std::span<const setting_key<extractor_settings>> extractor_keys() {
  using e = extractor_settings;
  static const std::vector<setting_key<e>> keys = {
      element_key<e, &e::mime>("extractor.mime",
                               required(text(is_mime_type, "a MIME type such as \"text/x-log\"")),
                               "The content that this parser reads."),
      element_key<e, &e::command>("extractor.command",
                                  required(texts(1, is_not_empty, "a word of a command")),
                                  "Program and arguments; no shell is involved."),
  };
  return keys;
}

std::string describe_expected(const value_ref& value, const value_rules& rules) {
  if (!rules.choices.empty()) return join_quoted(rules.choices);
  const bool is_list = std::holds_alternative<std::vector<std::string>*>(value);
  if (is_list) {
    std::string said = rules.min > 0 ? "a list of at least one text" : "a list of texts";
    return rules.form.empty() ? said : said + ", each " + std::string(rules.form);
  }
  if (!rules.form.empty()) return std::string(rules.form);
  std::string said = type_text(value);
  if (std::holds_alternative<bool*>(value) || std::holds_alternative<std::string*>(value))
    return said;
  return said + " from " + limit_text(value, rules.min) + " to " + limit_text(value, rules.max);
}

}  // namespace millrace
