#include "app/cli/run_report.hpp"

#include <cstdio>
#include <map>

#include "app/cli/options.hpp"
#include "app/cli/text.hpp"
#include "runtime/datasets/progress.hpp"
#include "runtime/http/json.hpp"

namespace millrace::cli {

namespace {

constexpr int shown_failures_a_code = 5;

constexpr auto failures_sql = R"sql(
select uri, error_code, error_message from documents
where dataset_id = $1 and status = 'failed' order by error_code, uri limit $2)sql";

constexpr auto refunded_sql = R"sql(
select coalesce(sum(t.amount), 0)::bigint
from credit_transactions t
where t.type = 'refund' and t.id > $2
  and t.charge_id in (select transaction_id from credit_charges where dataset_id = $1))sql";

double rate(const run_report& r) {
  return r.elapsed_seconds > 0
             ? static_cast<double>(r.ready + r.failed - r.failed_before) / r.elapsed_seconds
             : 0;
}

}  // namespace

result<run_report> make_run_report(connection_pool& pool, const std::string& dataset,
                                   const submit_summary& submitted, double elapsed_seconds) {
  const auto progress = read_progress(pool, submitted.dataset_id);
  if (!progress) return tl::unexpected<error>(progress.error());
  run_report r;
  r.dataset = dataset;
  r.total = progress->total;
  r.ready = progress->ready - submitted.ready_before;
  r.failed = progress->failed;
  r.failed_before = submitted.failed_before;
  r.unchanged = submitted.ready_before;
  r.chunks = progress->chunks;
  r.images = progress->images;
  r.tokens = progress->tokens;
  r.charged = submitted.charged;
  r.elapsed_seconds = elapsed_seconds;
  return pool.transact("status", [&](sql::work& tx, pooled_connection&) -> result<run_report> {
    for (const auto& row : tx.exec(failures_sql, sql::params{submitted.dataset_id, max_failures}))
      r.failures.push_back({row[0].c_str(), row[1].c_str(), row[2].c_str()});
    r.refunded =
        tx.exec(refunded_sql, sql::params{submitted.dataset_id, submitted.last_transaction_before})
            .one_row()[0]
            .as<std::int64_t>();
    return r;
  });
}

std::string to_json(const run_report& r) {
  json::writer out;
  out.begin_object().field("dataset", r.dataset);
  out.key("documents")
      .begin_object()
      .field("total", r.total)
      .field("ready", r.ready)
      .field("failed", r.failed)
      .field("unchanged", r.unchanged)
      .end_object();
  out.field("chunks", r.chunks).field("images", r.images).field("tokens", r.tokens);
  out.key("credits")
      .begin_object()
      .field("charged", r.charged)
      .field("refunded", r.refunded)
      .end_object();
  out.field("elapsed_seconds", r.elapsed_seconds).field("documents_per_second", rate(r));
  out.key("failures").begin_array();
  for (const auto& f : r.failures)
    out.begin_object()
        .field("uri", f.uri)
        .field("code", f.code)
        .field("message", f.message)
        .end_object();
  out.end_array().end_object();
  return out.take() + "\n";
}

std::string to_text(const run_report& r, const std::string& same_data) {
  char text[400];
  std::snprintf(text, sizeof text,
                "dataset    %s\ndocuments  %s ready, %s failed, %s unchanged (%s in all)\n"
                "chunks     %s (%s tokens, %s images)\ncredits    %s charged, %s refunded\n"
                "time       %s, %.0f documents/s\n",
                r.dataset.c_str(), thousands(r.ready).c_str(), thousands(r.failed).c_str(),
                thousands(r.unchanged).c_str(), thousands(r.total).c_str(),
                thousands(r.chunks).c_str(), thousands(r.tokens).c_str(),
                thousands(r.images).c_str(), thousands(r.charged).c_str(),
                thousands(r.refunded).c_str(), short_duration(r.elapsed_seconds).c_str(), rate(r));
  std::string out = text;
  std::map<std::string, std::vector<const failed_document*>> by_code;
  for (const auto& f : r.failures) by_code[f.code].push_back(&f);
  if (!by_code.empty()) out += "\nfailed:\n";
  for (const auto& [code, documents] : by_code) {
    out += "  " + code + " (" + std::to_string(documents.size()) + ")\n";
    int shown = 0;
    for (const auto* f : documents) {
      if (shown++ == shown_failures_a_code) {
        out += "    … all of them: millrace documents " + quoted(r.dataset) + same_data +
               " --status failed\n";
        break;
      }
      out += "    " + one_line(f->uri, 120) + "\n      " + one_line(f->message, 160) + "\n";
    }
  }
  if (r.chunks > 0)
    out += "\nsearch it: millrace search " + quoted(r.dataset) + same_data + " \"words\"\n";
  return out;
}

std::string describe_submission(const std::string& dataset, const paths_summary& s) {
  std::string text =
      "dataset " + dataset + ": " + thousands(s.submit.submitted) + " documents submitted";
  const auto add = [&](std::int64_t n, const char* what) {
    if (n > 0) text += ", " + thousands(n) + " " + what;
  };
  add(s.submit.unchanged, "unchanged");
  add(s.submit.pending, "still waiting from before");
  add(s.submit.pruned, "removed");
  add(static_cast<std::int64_t>(s.walked.excluded), "excluded");
  add(static_cast<std::int64_t>(s.walked.skipped_dotfiles), "dotfiles skipped");
  add(static_cast<std::int64_t>(s.walked.skipped_links), "links skipped");
  add(static_cast<std::int64_t>(s.walked.skipped_special), "special files skipped");
  add(static_cast<std::int64_t>(s.walked.unreadable_folders), "folders could not be read");
  if (s.submit.charged > 0) text += "; " + thousands(s.submit.charged) + " credits charged";
  return text;
}

}  // namespace millrace::cli
