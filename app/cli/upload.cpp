#include "app/cli/upload.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>

#include <unistd.h>

#include "app/cli/signals.hpp"
#include "app/cli/text.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/http/json.hpp"
#include "runtime/sources/file_walk.hpp"
#include "runtime/threads/guarded.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace::cli {

namespace {

constexpr std::size_t shown_name = 120;
/// Quotes and a comma around each URI.
constexpr std::size_t bytes_around = 3;

struct local_file {
  std::string path;
  std::string name;  ///< The document's.
};

std::string thousands_of(std::uint64_t n) {
  return thousands(static_cast<std::int64_t>(n));
}

struct found_files {
  std::vector<local_file> files;
  std::uint64_t unreadable_folders = 0;
};

/// The files of all paths, under the names that their documents get.
result<found_files> find_files(const submit_options& o,
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
      if (is_new) {
        files.push_back({file.path, std::move(name)});
        return true;
      }
      if (other->second == file.path) return true;
      fits = fail(ec::invalid_argument, file.path + " and " + other->second +
                                            " would both be the document `" + name +
                                            "`; name the folder that they have in common");
      return false;
    };
    if (auto walked = walk_files(root, {o.include, o.exclude}, counts, take); !walked)
      return tl::unexpected<error>(walked.error());
    if (!fits) return tl::unexpected<error>(fits.error());
  }
  if (counts.unreadable_folders > 0 && o.prune)
    return fail(ec::source_unreadable,
                thousands_of(counts.unreadable_folders) +
                    " folders could not be read, and --prune would remove the documents of their "
                    "files; nothing was sent");
  if (files.empty()) return fail(ec::invalid_argument, "there is no file to upload");
  return found_files{std::move(files), counts.unreadable_folders};
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
    // The first that can be read shows what a URI looks like, and what would go wrong for all.
    while (!first_ && next_ < files_.size() && !ended())
      in_threads(1, [this] { send_one(next_++); });
    if (ended()) return tl::unexpected<error>(*failure_);
    if (auto fits = check_size(); !fits) return tl::unexpected<error>(fits.error());
    in_threads(upload_threads, [this] {
      for (std::size_t n = next_++; n < files_.size() && !stop_; n = next_++) send_one(n);
    });
    if (terminal_) std::fputs("\r\033[K", stderr);
    if (ended()) return tl::unexpected<error>(*failure_);
    if (unreadable_ > 0 && options_.prune)
      return fail(ec::source_unreadable,
                  thousands_of(unreadable_) +
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
  using clock = std::chrono::steady_clock;

  /// Until all have done `work`; meanwhile this thread looks for a stop signal, which ends the
  /// transfers in hand.
  template <class Work>
  void in_threads(int count, Work work) {
    std::atomic<int> busy{count};
    std::vector<runtime_thread> threads;
    threads.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      threads.emplace_back("upload", [&] {
        if (const auto worked = guarded("upload", work); !worked) {
          const std::lock_guard lock{mutex_};
          give_up(worked.error());
        }
        --busy;
      });
    while (busy > 0) look_for_signal(look_interval);
    for (auto& t : threads) t.join();
  }

  void look_for_signal(std::chrono::milliseconds patience) {
    if (wait_for_stop_signal(patience) == 0) return;
    const std::lock_guard lock{mutex_};
    give_up(
        {ec::cancelled,
         "stopped; nothing was submitted. The same command goes on with the files that the node "
         "does not have"});
  }

  /// Also on Ctrl-C. Only between the threads' work.
  bool ended() {
    look_for_signal(std::chrono::milliseconds{0});
    return failure_.has_value();
  }

  /// With the lock.
  void give_up(error why) {
    if (!failure_) failure_ = std::move(why);
    stop_ = true;
    changed_.notify_all();
  }

  /// All URIs begin alike, and end with the names.
  result<void> check_size() {
    if (!first_) return {};
    const auto& known = uris_[*first_];
    const auto begin = known.size() - std::min(known.size(), files_[*first_].name.size());
    std::size_t bytes = 0;
    for (const auto& f : files_)
      bytes += begin + http::percent_encode(f.name, true).size() + bytes_around;
    if (bytes <= max_submission_bytes) return {};
    return fail(ec::limit_exceeded,
                thousands_of(files_.size()) +
                    " files are too many for one submission; upload the folder in parts, with "
                    "--include or by its subfolders");
  }

  void send_one(std::size_t n) {
    const auto& file = files_[n];
    const auto target = "/v1/datasets/" + http::percent_encode(options_.dataset) + "/documents/" +
                        http::percent_encode(file.name, true) +
                        "?queue=false&account=" + http::percent_encode(options_.account);
    const auto answer = put(target, file.path);
    result<std::string> uri = answer ? uri_in(*answer) : tl::unexpected<error>(answer.error());
    const std::lock_guard lock{mutex_};
    if (uri) {
      uris_[n] = std::move(*uri);
      last_arrival_ = clock::now();
      if (!first_) first_ = n;
    } else if (uri.error().code == ec::source_unreadable) {
      ++unreadable_;
      if (terminal_) std::fputs("\r\033[K", stderr);
      std::fprintf(stderr, "millrace: skipped: %s\n", uri.error().message.c_str());
    } else {
      give_up({uri.error().code, one_line(file.name, shown_name) + ": " + uri.error().message +
                                     "; nothing was submitted"});
    }
    ++done_;
    if (terminal_)
      std::fprintf(stderr, "\r\033[K%s of %s files uploaded", thousands_of(done_).c_str(),
                   thousands_of(files_.size()).c_str());
  }

  /// Again and again, until it arrives or nothing has for upload_patience.
  result<std::string> put(const std::string& target, const std::string& path) {
    const auto sha256 = content_to_ask_about(path);
    auto answer = api_.put_file(target, path, stop_, sha256);
    const auto failed = clock::now();
    for (auto pause = first_retry_pause; !answer && passes(answer.error());
         pause = std::min(2 * pause, longest_retry_pause)) {
      {
        std::unique_lock lock{mutex_};
        if (clock::now() - std::max(failed, last_arrival_) >= upload_patience) break;
        if (changed_.wait_for(lock, pause, [this] { return stop_.load(); })) break;
      }
      answer = api_.put_file(target, path, stop_, sha256);
    }
    return answer;
  }

  /// The file's SHA-256; empty where asking is no less than sending, and where it cannot be read,
  /// which sending it will say.
  std::string content_to_ask_about(const std::string& path) const {
    std::error_code problem;
    const auto size = std::filesystem::file_size(path, problem);  // Fails for what is no file.
    return problem || size < least_asked_size ? "" : sha256_file(path, &stop_).value_or("");
  }

  /// What a moment later may go well: the node is busy, or the connection broke.
  static bool passes(const error& e) {
    return (millrace::passes(e) && e.code != ec::disk_full) || kind_of(e.code) == error_kind::lost;
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
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};  ///< Ends the transfers in hand.
  std::mutex mutex_;               ///< Of what follows, while there are threads.
  std::condition_variable changed_;
  std::uint64_t unreadable_ = 0;
  std::size_t done_ = 0;
  std::optional<std::size_t> first_;  ///< That arrived.
  clock::time_point last_arrival_{};
  std::optional<error> failure_;
};

}  // namespace

result<uploaded_files> upload_files(const client& api, const submit_options& o,
                                    const std::vector<std::filesystem::path>& paths, bool quiet) {
  auto found = find_files(o, paths);
  if (!found) return tl::unexpected<error>(found.error());
  const auto folders = found->unreadable_folders;
  if (folders > 0)
    std::fprintf(stderr, "millrace: %s folders could not be read and are left out\n",
                 thousands_of(folders).c_str());
  auto sent = uploader{api, o, std::move(found->files), quiet}.run();
  if (sent) sent->unreadable += folders;
  return sent;
}

}  // namespace millrace::cli
