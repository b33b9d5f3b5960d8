#include "app/cli/upload.hpp"

#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include <unistd.h>

#include "app/cli/signals.hpp"
#include "app/cli/text.hpp"
#include "runtime/http/json.hpp"
#include "runtime/sources/file_walk.hpp"

namespace millrace::cli {

namespace {

constexpr std::chrono::seconds retry_pause{1};
constexpr std::size_t shown_name = 120;
/// Quotes and a comma around each URI.
constexpr std::size_t bytes_around = 3;

struct local_file {
  std::string path;
  std::string name;  ///< The document's.
};

/// The files of all paths, under the names that their documents get.
result<std::vector<local_file>> find_files(const submit_options& o,
                                           const std::vector<std::filesystem::path>& paths) {
  std::vector<local_file> files;
  std::map<std::string, std::string> taken;
  walk_counts counts;
  for (const auto& path : paths) {
    const auto root = std::filesystem::absolute(path).lexically_normal();
    result<void> fits;
    const auto take = [&](const found_file& file) {
      const std::filesystem::path found{file.path};
      auto name = std::filesystem::is_directory(root) ? found.lexically_relative(root).native()
                                                      : found.filename().native();
      const auto [other, is_new] = taken.try_emplace(name, file.path);
      if (is_new) files.push_back({file.path, std::move(name)});
      if (is_new || other->second == file.path) return true;
      fits = fail(ec::invalid_argument, file.path + " and " + other->second +
                                            " would both be the document `" + name +
                                            "`; name the folder that they have in common");
      return false;
    };
    if (auto walked = walk_files(root, {o.include, o.exclude}, counts, take); !walked)
      return tl::unexpected<error>(walked.error());
    if (!fits) return tl::unexpected<error>(fits.error());
  }
  if (files.empty()) return fail(ec::invalid_argument, "there is no file to upload");
  return files;
}

class uploader {
 public:
  uploader(const client& api, const submit_options& o, std::vector<local_file> files, bool quiet)
      : api_{api},
        options_{o},
        files_{std::move(files)},
        uris_(files_.size()),
        terminal_{!quiet && isatty(STDERR_FILENO) != 0} {}

  result<uploaded_files> run() {
    send_one(0);  // Shows what a URI looks like, and what would go wrong for all.
    if (auto fits = check_size(); !fits) return tl::unexpected<error>(fits.error());
    std::vector<std::thread> threads;
    for (int i = 0; i < upload_threads; ++i)
      threads.emplace_back([this] {
        for (std::size_t n = next_++; n < files_.size() && !ended(); n = next_++) send_one(n);
      });
    for (auto& t : threads) t.join();
    if (terminal_) std::fputs("\r\033[K", stderr);
    if (failure_) return tl::unexpected<error>(*failure_);
    if (unreadable_ > 0 && options_.prune)
      return fail(ec::source_unreadable,
                  thousands(static_cast<std::int64_t>(unreadable_)) +
                      " files could not be read, and --prune would remove their documents; nothing "
                      "was submitted");
    uploaded_files sent;
    sent.unreadable = unreadable_;
    for (auto& uri : uris_)
      if (!uri.empty()) sent.uris.push_back(std::move(uri));
    if (sent.uris.empty())
      return fail(ec::source_unreadable, "none of the files could be read; nothing was submitted");
    return sent;
  }

 private:
  /// Also on Ctrl-C, which is looked for between files.
  bool ended() {
    const bool stop = wait_for_stop_signal(std::chrono::milliseconds{0}) != 0;
    const std::lock_guard lock{mutex_};
    if (stop && !failure_)
      failure_ =
          error{ec::cancelled, "stopped; nothing was submitted. Repeat the command to go on"};
    return failure_.has_value();
  }

  /// All URIs begin alike, and end with the names.
  result<void> check_size() {
    if (uris_[0].empty()) return {};
    const auto begin = uris_[0].size() - std::min(uris_[0].size(), files_[0].name.size());
    std::size_t bytes = 0;
    for (const auto& f : files_)
      bytes += begin + http::percent_encode(f.name, true).size() + bytes_around;
    if (bytes <= max_submission_bytes) return {};
    return fail(ec::limit_exceeded,
                thousands(static_cast<std::int64_t>(files_.size())) +
                    " files are too many for one submission; upload the folder in parts, with "
                    "--include or by its subfolders");
  }

  void send_one(std::size_t n) {
    const auto& file = files_[n];
    const auto target = "/v1/datasets/" + http::percent_encode(options_.dataset) + "/documents/" +
                        http::percent_encode(file.name, true) +
                        "?queue=false&account=" + http::percent_encode(options_.account);
    auto answer = api_.put_file(target, file.path);
    for (int i = 1; i < upload_tries && !answer && passes(answer.error()) && !ended(); ++i) {
      std::this_thread::sleep_for(retry_pause);
      answer = api_.put_file(target, file.path);
    }
    result<std::string> uri = answer ? uri_in(*answer) : tl::unexpected<error>(answer.error());
    const std::lock_guard lock{mutex_};
    if (uri) {
      uris_[n] = std::move(*uri);
    } else if (uri.error().code == ec::source_unreadable) {
      ++unreadable_;
      if (terminal_) std::fputs("\r\033[K", stderr);
      std::fprintf(stderr, "millrace: skipped: %s\n", uri.error().message.c_str());
    } else if (!failure_) {
      failure_ = error{uri.error().code, one_line(file.name, shown_name) + ": " +
                                             uri.error().message + "; nothing was submitted"};
    }
    ++done_;
    if (terminal_)
      std::fprintf(stderr, "\r\033[K%s of %s files uploaded",
                   thousands(static_cast<std::int64_t>(done_)).c_str(),
                   thousands(static_cast<std::int64_t>(files_.size())).c_str());
  }

  /// What a moment later may go well: the node is busy, or the connection broke.
  static bool passes(const error& e) {
    return e.code == ec::http_unreachable || e.code == ec::pool_exhausted ||
           e.code == ec::database_unavailable;
  }

  static result<std::string> uri_in(const std::string& answer) {
    std::string uri;
    if (auto read =
            json::parse_object(answer, {json::required("uri", uri)}, json::unknown_fields::ignored);
        !read)
      return tl::unexpected<error>(read.error());
    return uri;
  }

  const client& api_;
  const submit_options& options_;
  const std::vector<local_file> files_;
  std::vector<std::string> uris_;
  const bool terminal_;
  std::atomic<std::size_t> next_{1};
  std::mutex mutex_;
  std::uint64_t unreadable_ = 0;
  std::size_t done_ = 0;
  std::optional<error> failure_;
};

}  // namespace

result<uploaded_files> upload_files(const client& api, const submit_options& o,
                                    const std::vector<std::filesystem::path>& paths, bool quiet) {
  auto files = find_files(o, paths);
  if (!files) return tl::unexpected<error>(files.error());
  return uploader{api, o, std::move(*files), quiet}.run();
}

}  // namespace millrace::cli
