// `millrace submit PATH`: hands files to a running node, which reads them itself or is sent them.
#include <cstdio>

#include "app/cli/client.hpp"
#include "app/cli/commands.hpp"
#include "app/cli/run_report.hpp"
#include "app/cli/upload.hpp"
#include "runtime/http/json.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace::cli {

namespace {

/// A node looks for paths on its own disk.
error with_advice(error e, const global_options& global, const submit_options& o) {
  const bool about_paths = e.code == ec::path_missing || e.code == ec::permission_denied;
  if (about_paths && !o.upload && !global.endpoint.empty())
    e.message += " (of the node's machine; --upload sends files of this one)";
  return e;
}

/// What a node answers to a submission.
result<paths_summary> summary_in(const std::string& answer) {
  paths_summary s;
  const auto read = json::parse_object(
      answer,
      {json::required("submitted", s.submit.submitted),
       json::required("unchanged", s.submit.unchanged), json::required("pending", s.submit.pending),
       json::required("pruned", s.submit.pruned), json::required("charged", s.submit.charged),
       json::optional("excluded", s.walked.excluded),
       json::optional("skipped_dotfiles", s.walked.skipped_dotfiles),
       json::optional("skipped_links", s.walked.skipped_links),
       json::optional("skipped_special", s.walked.skipped_special),
       json::optional("unreadable_folders", s.walked.unreadable_folders)},
      json::unknown_fields::ignored);
  if (!read) return tl::unexpected<error>(read.error());
  return s;
}

}  // namespace

int submit(const global_options& global, const submit_options& o) {
  const auto paths = source_paths(o);
  if (!paths) return report(paths.error());
  if (o.dataset.empty()) return report({ec::invalid_argument, "submit needs --dataset NAME"});
  auto api = client::open(global);
  if (!api) return report(api.error());
  if (!(*api)->live())
    return report(
        {ec::http_unreachable,
         "no node runs here; name one with --endpoint URL, start one with `millrace node --config "
         "FILE`, or use `millrace run`"});
  std::vector<std::string> uris;
  std::uint64_t unreadable = 0;
  if (o.upload) {
    auto sent = upload_files(**api, o, *paths, global.json);
    if (!sent) return report(sent.error());
    uris = std::move(sent->uris);
    unreadable = sent->unreadable;
  } else {
    for (const auto& path : *paths)
      uris.push_back(file_uri(std::filesystem::absolute(path).lexically_normal().native()));
  }
  // Of what is uploaded the filters have chosen already.
  const std::vector<std::string> none;
  json::writer body;
  body.begin_object()
      .field("name", o.dataset)
      .field("account", o.account)
      .field("uris", uris)
      .field("include", o.upload ? none : o.include)
      .field("exclude", o.upload ? none : o.exclude)
      .field("prune", o.prune)
      .field("priority", o.priority)
      .end_object();
  const auto answer = (*api)->post("/v1/datasets", body.take());
  if (!answer) return report(with_advice(answer.error(), global, o));
  const auto code = static_cast<int>(unreadable > 0 ? exit::error : exit::ok);
  if (global.json) {
    std::printf("%s\n", answer->c_str());
    return code;
  }
  const auto summary = summary_in(*answer);
  if (!summary) return report(summary.error());
  std::printf("%s\n`millrace watch %s%s` shows how it goes\n",
              describe_submission(o.dataset, *summary).c_str(), quoted(o.dataset).c_str(),
              same_data(global).c_str());
  return code;
}

}  // namespace millrace::cli
