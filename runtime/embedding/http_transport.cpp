#include "runtime/embedding/http_transport.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "runtime/core/c_callback.hpp"
#include "runtime/core/open_files.hpp"
#include "runtime/core/unique_fd.hpp"

namespace millrace {

namespace {

struct easy_deleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct multi_deleter {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
struct url_deleter {
  void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
struct list_deleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using easy_handle = std::unique_ptr<CURL, easy_deleter>;
using header_list = std::unique_ptr<curl_slist, list_deleter>;
using parsed_url = std::unique_ptr<CURLU, url_deleter>;

/// libcurl's global state is made once and lives until the process ends.
bool start_libcurl() {
  static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return started;
}

/// A request on its way, and then a handle that is ready for the next. Never moves: libcurl knows
/// where its parts are.
struct transfer {
  easy_handle easy{curl_easy_init()};
  http_post post;
  http_answer answer;
  std::array<char, CURL_ERROR_SIZE> problem{};
  std::exception_ptr thrown;  ///< In a callback.
};

// Fewer bytes than came end the transfer with CURLE_WRITE_ERROR.

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& t = *static_cast<transfer*>(user);
  return in_c_callback(t.thrown, std::size_t{0}, [&]() -> std::size_t {
    const auto bytes = size * count;
    if (t.answer.body.size() + bytes > t.post.max_answer_bytes) return 0;
    t.answer.body.append(data, bytes);
    return bytes;
  });
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) noexcept {
  auto& t = *static_cast<transfer*>(user);
  return in_c_callback(t.thrown, std::size_t{0}, [&] {
    t.answer.limits.read({data, size * count}, std::chrono::system_clock::now());
    return size * count;
  });
}

bool append(header_list& list, const std::string& line) {
  curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

std::string part_of(const parsed_url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return {};
  std::string out{text};
  curl_free(text);
  return out;
}

parsed_url parse(const std::string& text) {
  parsed_url url{curl_url()};
  if (url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

/// A proxy of the environment is never asked for this machine.
bool is_loopback(const std::string& text) {
  const auto url = parse(text);
  const auto host = url ? part_of(url, CURLUPART_HOST) : std::string{};
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

}  // namespace

struct http_transport::impl {
  using clock = std::chrono::steady_clock;
  static constexpr int events_at_once = 64;

  config settings;
  bool loopback = false;
  header_list headers;
  // Before `multi`, which uses them until it is gone.
  unique_fd events{::epoll_create1(EPOLL_CLOEXEC)};
  unique_fd wake_ups{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::optional<clock::time_point> timer;  ///< When libcurl wants to be asked next.
  std::unique_ptr<CURLM, multi_deleter> multi;
  std::vector<std::unique_ptr<transfer>> transfers;  ///< As many as were ever under way at a time.
  std::vector<transfer*> idle;                       ///< Of these.
  std::vector<http_answer> not_started;

  impl() = default;
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() {
    for (auto& t : transfers) curl_multi_remove_handle(multi.get(), t->easy.get());
  }
  bool listen();
  transfer* take_idle();
  void prepare(transfer& t) const;
  void act(curl_socket_t socket, int ready);
  void act_on_timer();
  void act_on_events(duration timeout);
  void collect(std::vector<http_answer>& into);
  http_answer finish(CURL* easy, CURLcode code);

  static int on_socket(CURL*, curl_socket_t socket, int wanted, void* user, void* known) noexcept;
  static int on_timer(CURLM*, long milliseconds, void* user) noexcept;
};

bool http_transport::impl::listen() {
  epoll_event wake{};
  wake.events = EPOLLIN;
  wake.data.fd = wake_ups.get();
  curl_multi_setopt(multi.get(), CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(multi.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi.get(), CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi.get(), CURLMOPT_TIMERDATA, this);
  return events && wake_ups && ::epoll_ctl(events.get(), EPOLL_CTL_ADD, wake_ups.get(), &wake) == 0;
}

/// A socket that libcurl wants to hear of, or no longer (it may be closed already). `known`: what
/// we gave libcurl for a socket that epoll has.
int http_transport::impl::on_socket(CURL*, curl_socket_t socket, int wanted, void* user,
                                    void* known) noexcept {
  auto& self = *static_cast<impl*>(user);
  const int epoll = self.events.get();
  epoll_event event{};
  event.data.fd = socket;
  if (wanted == CURL_POLL_REMOVE) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, &event);
    return 0;
  }
  event.events = (wanted & CURL_POLL_IN ? EPOLLIN : 0U) | (wanted & CURL_POLL_OUT ? EPOLLOUT : 0U);
  if (known == nullptr) curl_multi_assign(self.multi.get(), socket, &self);
  // Where libcurl and epoll do not agree on what is known, the other one is right: -1 would end
  // this and all later transfers.
  const int expected = known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  const int other = known == nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(epoll, expected, socket, &event) == 0) return 0;
  return ::epoll_ctl(epoll, other, socket, &event);
}

int http_transport::impl::on_timer(CURLM*, long milliseconds, void* user) noexcept {
  auto& timer = static_cast<impl*>(user)->timer;
  timer = milliseconds < 0 ? std::nullopt
                           : std::optional{clock::now() + std::chrono::milliseconds{milliseconds}};
  return 0;
}

void http_transport::impl::act(curl_socket_t socket, int ready) {
  int running_now = 0;
  curl_multi_socket_action(multi.get(), socket, ready, &running_now);
}

void http_transport::impl::act_on_timer() {
  if (!timer || clock::now() < *timer) return;
  timer.reset();
  act(CURL_SOCKET_TIMEOUT, 0);
}

/// Waits for the first, takes what is there.
void http_transport::impl::act_on_events(duration timeout) {
  if (timer)
    timeout = std::clamp(std::chrono::ceil<duration>(*timer - clock::now()), duration{0}, timeout);
  std::array<epoll_event, events_at_once> ready{};
  const int count =
      ::epoll_wait(events.get(), ready.data(), events_at_once, static_cast<int>(timeout.count()));
  for (int i = 0; i < count; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    if (event.data.fd == wake_ups.get()) {
      eventfd_t ignored = 0;
      ::eventfd_read(wake_ups.get(), &ignored);
      continue;
    }
    act(event.data.fd, (event.events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                           (event.events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                           (event.events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0));
  }
}

void http_transport::impl::collect(std::vector<http_answer>& into) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left))
    if (message->msg == CURLMSG_DONE)
      into.push_back(finish(message->easy_handle, message->data.result));
}

/// What all requests of a handle have in common.
void http_transport::impl::prepare(transfer& t) const {
  CURL* const easy = t.easy.get();
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &t);
  curl_easy_setopt(easy, CURLOPT_URL, settings.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  if (loopback) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(settings.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings.request_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t.problem.data());
}

/// Null where memory is short.
transfer* http_transport::impl::take_idle() {
  if (idle.empty()) {
    auto made = std::make_unique<transfer>();
    if (!made->easy) return nullptr;
    prepare(*made);
    transfers.push_back(std::move(made));
    return transfers.back().get();
  }
  auto* const t = idle.back();
  idle.pop_back();
  return t;
}

http_answer http_transport::impl::finish(CURL* easy, CURLcode code) {
  transfer* t = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
  curl_multi_remove_handle(multi.get(), easy);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK) {
    t->answer.status = static_cast<int>(status);
  } else {
    t->answer.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    // libcurl does not tell why it has no socket.
    t->answer.exhausted = code == CURLE_OUT_OF_MEMORY ||
                          ((code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) &&
                           descriptors_are_exhausted());
    t->answer.problem = t->thrown
                            ? std::string{"the answer could not be read: "} + text_of(t->thrown)
                        : code == CURLE_WRITE_ERROR ? "the answer is larger than it can be"
                        : t->problem[0] != '\0'     ? t->problem.data()
                                                    : curl_easy_strerror(code);
  }
  t->post = {};
  t->thrown = nullptr;
  idle.push_back(t);
  return std::exchange(t->answer, {});
}

http_transport::http_transport(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
http_transport::~http_transport() = default;

result<std::unique_ptr<http_transport>> http_transport::create(config c) {
  auto i = std::make_unique<impl>();
  if (start_libcurl()) i->multi.reset(curl_multi_init());
  if (!i->multi)
    return fail(ec::resource_exhausted,
                "libcurl could not be started, probably for want of memory; free some");
  if (!i->listen())
    return fail(ec::resource_exhausted,
                "no descriptors for embedding requests; raise the limit (ulimit -n)");
  // Without an empty Expect, libcurl waits for a "100 Continue" before it sends a larger body.
  bool listed =
      append(i->headers, "Content-Type: application/json") && append(i->headers, "Expect:");
  if (!c.bearer_token.empty())
    listed = listed && append(i->headers, "Authorization: Bearer " + c.bearer_token);
  if (!listed)
    return fail(ec::resource_exhausted,
                "no memory for the headers of embedding requests; free some");
  curl_multi_setopt(i->multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(c.max_connections));
  curl_multi_setopt(i->multi.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS,
                    static_cast<long>(c.max_connections));
  i->loopback = is_loopback(c.url);
  c.bearer_token.clear();  // it is in the headers; one copy is enough
  i->settings = std::move(c);
  return std::unique_ptr<http_transport>{new http_transport{std::move(i)}};
}

void http_transport::start(http_post post) {
  http_answer answer;
  answer.id = post.id;
  if (auto* const t = impl_->take_idle()) {
    t->answer = std::move(answer);
    t->post = std::move(post);
    t->problem[0] = '\0';
    CURL* const easy = t->easy.get();
    const auto bytes = static_cast<curl_off_t>(t->post.body.size());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, bytes);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, t->post.body.data());
    if (curl_multi_add_handle(impl_->multi.get(), easy) == CURLM_OK) return;
    answer = std::exchange(t->answer, {});
    impl_->idle.push_back(t);
  }
  answer.problem = "libcurl could not start the request, probably for want of memory";
  impl_->not_started.push_back(std::move(answer));
}

std::vector<http_answer> http_transport::wait(duration timeout) {
  auto ended = std::exchange(impl_->not_started, {});
  impl_->act_on_timer();
  impl_->collect(ended);
  if (!ended.empty()) return ended;
  impl_->act_on_events(timeout);
  impl_->act_on_timer();
  impl_->collect(ended);
  return ended;
}

void http_transport::wake() {
  ::eventfd_write(impl_->wake_ups.get(), 1);
}

result<std::string> embeddings_url(const std::string& base_url) {
  const auto url = parse(base_url);
  const auto scheme = url ? part_of(url, CURLUPART_SCHEME) : std::string{};
  if (scheme != "http" && scheme != "https")
    return fail(ec::invalid_config,
                "embedder.base_url is no http or https URL; write it like https://host/v1");
  // The URL is not repeated here: what it holds may be a secret.
  if (!part_of(url, CURLUPART_USER).empty() || !part_of(url, CURLUPART_PASSWORD).empty())
    return fail(ec::invalid_config,
                "embedder.base_url holds a user name or password; put the key into the environment "
                "variable that embedder.api_key_env names");
  if (!part_of(url, CURLUPART_QUERY).empty() || !part_of(url, CURLUPART_FRAGMENT).empty())
    return fail(ec::invalid_config,
                "embedder.base_url holds a query or a fragment; write only scheme, host and path");
  std::string out = base_url;
  while (out.ends_with('/')) out.pop_back();
  return out + "/embeddings";
}

}  // namespace millrace
