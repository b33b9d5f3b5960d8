#include "runtime/http/client.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/blocking.hpp"
#include "runtime/core/c_callback.hpp"
#include "runtime/core/open_files.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace::http {

namespace {

constexpr std::string_view unix_prefix = "unix:";

struct easy_deleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct list_deleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using easy_handle = std::unique_ptr<CURL, easy_deleter>;
using header_list = std::unique_ptr<curl_slist, list_deleter>;

/// libcurl's global state, for the life of the process.
bool curl_is_ready() {
  static const auto ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

/// What the callbacks of one transfer work on.
struct transfer {
  CURL* handle = nullptr;
  response answer;
  std::uint64_t max_response = 0;
  const chunk_sink* sink = nullptr;
  bool over_limit = false;
  bool cancelled = false;
  std::exception_ptr thrown;  ///< In a callback.

  bool take(std::string_view piece) {
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (sink != nullptr && status >= 200 && status < 300) {
      cancelled = !(*sink)(piece);
      return !cancelled;
    }
    over_limit = answer.body.size() + piece.size() > max_response;
    if (!over_limit) answer.body += piece;
    return !over_limit;
  }
};

std::size_t on_body(const char* data, std::size_t one, std::size_t size, void* user) noexcept {
  auto& t = *static_cast<transfer*>(user);
  return in_c_callback(t.thrown, std::size_t{0}, [&] {
    return t.take({data, one * size}) ? one * size : 0;
  });
}

/// A file on its way.
struct sent_file {
  unique_fd file;
  const std::atomic<bool>* stop = nullptr;
  std::uint64_t left = 0;
  int failed = 0;  ///< errno.
  bool cut = false;

  bool stopped() const { return stop != nullptr && *stop; }
};

std::size_t on_read(char* into, std::size_t one, std::size_t size, void* user) noexcept {
  auto& from = *static_cast<sent_file*>(user);
  if (from.stopped()) return CURL_READFUNC_ABORT;
  const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(one * size, from.left));
  if (want == 0) return 0;
  ssize_t n = -1;
  do n = ::read(from.file.get(), into, want);
  while (n < 0 && errno == EINTR);
  if (n < 0) from.failed = errno;
  if (n == 0) from.cut = true;
  if (n <= 0) return CURL_READFUNC_ABORT;
  from.left -= static_cast<std::uint64_t>(n);
  return static_cast<std::size_t>(n);
}

/// About once a second, also while nothing is read. Anything but 0 ends the transfer.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<const sent_file*>(user)->stopped() ? 1 : 0;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

void take_header(response& answer, std::string_view line) {
  if (line.starts_with("HTTP/")) answer.headers.clear();  // "100 Continue" came before.
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  answer.headers[std::move(name)] = trimmed(line.substr(colon + 1));
}

std::size_t on_header(const char* data, std::size_t one, std::size_t size, void* user) noexcept {
  auto& t = *static_cast<transfer*>(user);
  return in_c_callback(t.thrown, std::size_t{0}, [&] {
    take_header(t.answer, {data, one * size});
    return one * size;
  });
}

/// The endpoint's path prefix and the request's target after scheme and host.
std::string url_of(const endpoint& to, const request& r) {
  if (to.url.starts_with(unix_prefix)) return "http://localhost" + format_target(r);
  auto base = to.url;
  while (base.ends_with('/')) base.pop_back();
  return base + format_target(r);
}

bool append(header_list& list, const std::string& line) {
  auto* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

bool has_line_break(std::string_view text) {
  return text.find_first_of("\r\n") != std::string_view::npos;
}

result<header_list> headers_of(const endpoint& to, const request& r) {
  auto headers = r.headers;
  if (!to.token.empty()) headers["authorization"] = "Bearer " + to.token;
  header_list list;
  for (const auto& [name, value] : headers) {
    if (has_line_break(name) || has_line_break(value))
      return fail(ec::invalid_argument, "the header '" +
                                            name.substr(0, name.find_first_of("\r\n")) +
                                            "' has a line break; is the token complete and alone?");
    // A semicolon is how libcurl sends a header without a value.
    if (!append(list, value.empty() ? name + ";" : name + ": " + value))
      return fail(ec::internal, "out of memory while a request was prepared");
  }
  return list;
}

void set_method(CURL* handle, const request& r) {
  if (r.method == "HEAD") {
    curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    return;
  }
  const auto takes_body = r.method == "POST" || r.method == "PUT" || r.method == "PATCH";
  if (takes_body || !r.body.empty()) {
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, r.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(r.body.size()));
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, r.method.c_str());
}

void set_up(CURL* handle, const endpoint& to, const request& r, transfer& t) {
  curl_easy_setopt(handle, CURLOPT_URL, url_of(to, r).c_str());
  if (to.url.starts_with(unix_prefix))
    curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, to.url.c_str() + unix_prefix.size());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &t);
  set_method(handle, r);
}

/// "connection refused" rather than libcurl's "Couldn't connect to server", where the system said
/// why.
std::string reason_of(CURL* handle, CURLcode code) {
  long error_number = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &error_number);
  auto text = code == CURLE_COULDNT_CONNECT && error_number != 0
                  ? std::generic_category().message(static_cast<int>(error_number))
                  : std::string(curl_easy_strerror(code));
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a')
    text[0] = static_cast<char>(text[0] + 32);
  return text;
}

bool was_connected(CURL* handle) {
  curl_off_t connected = 0;
  curl_easy_getinfo(handle, CURLINFO_CONNECT_TIME_T, &connected);
  return connected > 0;
}

error failure_of(const endpoint& to, CURLcode code, const transfer& t) {
  if (t.thrown)
    return {ec::internal, "the answer of " + to.url + " could not be read: " + text_of(t.thrown)};
  if (t.cancelled)
    return {ec::cancelled, "the transfer from " + to.url + " was ended before its end"};
  if (t.over_limit)
    return {ec::limit_exceeded, "the answer of " + to.url + " has more than " +
                                    std::to_string(t.max_response) +
                                    " bytes; ask for less at a time"};
  // libcurl does not tell why it has no socket.
  const bool no_connection = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST;
  if (code == CURLE_OUT_OF_MEMORY || (no_connection && descriptors_are_exhausted()))
    return {ec::resource_exhausted, "this process has no descriptor or memory left to ask " +
                                        to.url + "; raise the limit of open files (ulimit -n)"};
  const auto reason = reason_of(t.handle, code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {ec::invalid_argument,
              "'" + to.url + "' is not an endpoint; write http://HOST:PORT or unix:PATH"};
    case CURLE_OPERATION_TIMEDOUT:
      if (was_connected(t.handle))
        return {ec::timeout, "the node at " + to.url +
                                 " did not answer in time; see its log and "
                                 "`millrace actors`, or try again"};
      break;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
      break;
    default:
      return {ec::http_unreachable, "the connection to " + to.url +
                                        " broke off before the answer was complete: " + reason +
                                        "; try again, and see the node's log"};
  }
  return {ec::http_unreachable,
          "no Millrace node answers at " + to.url + ": " + reason +
              "; start one with `millrace node --config FILE` or give --endpoint"};
}

/// Runs the transfer; `set_limits` adds the time-outs.
template <class SetLimits>
result<response> perform(const endpoint& to, const request& r, transfer t, SetLimits set_limits) {
  assert_may_block("an HTTP request");
  const easy_handle handle(curl_is_ready() ? curl_easy_init() : nullptr);
  if (!handle) return fail(ec::internal, "libcurl could not be initialised: out of memory?");
  const auto headers = headers_of(to, r);
  if (!headers) return tl::unexpected(headers.error());
  t.handle = handle.get();
  set_up(handle.get(), to, r, t);
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers->get());
  set_limits(handle.get());
  const auto code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) return tl::unexpected(failure_of(to, code, t));
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  t.answer.status = static_cast<int>(status);
  t.answer.content_type = t.answer.headers["content-type"];
  return std::move(t.answer);
}

}  // namespace

result<response> send(const endpoint& to, const request& r, duration timeout,
                      byte_size max_response) {
  transfer t;
  t.max_response = max_response.bytes;
  return perform(to, r, std::move(t), [&](CURL* handle) {
    const auto bounded = std::max(timeout, duration{1});  // 0 would mean: for ever.
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(bounded.count()));
  });
}

namespace {

/// A byte a second at least.
void limit_idling(CURL* handle, duration idle_timeout) {
  const auto seconds =
      std::max(std::chrono::ceil<std::chrono::seconds>(idle_timeout), std::chrono::seconds{1});
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(seconds.count()));
}

tl::unexpected<error> unreadable(const std::string& path, int reason) {
  return fail(ec::source_unreadable, path + ": " + std::generic_category().message(reason));
}

}  // namespace

result<response> send_file(const endpoint& to, const request& r, const std::string& path,
                           duration idle_timeout, const std::atomic<bool>* stop) {
  sent_file sent{unique_fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)},
                 stop};
  struct stat status {};
  if (!sent.file || ::fstat(sent.file.get(), &status) != 0) return unreadable(path, errno);
  if (!S_ISREG(status.st_mode)) return fail(ec::source_unreadable, path + " is no regular file");
  sent.left = static_cast<std::uint64_t>(status.st_size);
  transfer t;
  t.max_response = default_max_response.bytes;
  auto head = r;
  head.body.clear();
  auto answered = perform(to, head, std::move(t), [&](CURL* handle) {
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, r.method.c_str());
    curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(status.st_size));
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(handle, CURLOPT_READDATA, &sent);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &sent);
    limit_idling(handle, idle_timeout);
  });
  if (!answered && sent.stopped())
    return fail(ec::cancelled, "the transfer of " + path + " was stopped");
  if (sent.failed != 0) return unreadable(path, sent.failed);
  if (sent.cut)
    return fail(ec::source_unreadable, path + " became shorter while it was sent; try again");
  return answered;
}

result<response> send_streaming(const endpoint& to, const request& r, const chunk_sink& on_chunk,
                                duration idle_timeout) {
  transfer t;
  t.max_response = default_max_response.bytes;
  t.sink = &on_chunk;
  return perform(to, r, std::move(t), [&](CURL* handle) { limit_idling(handle, idle_timeout); });
}

}  // namespace millrace::http
