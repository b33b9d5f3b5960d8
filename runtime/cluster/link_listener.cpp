#include "runtime/cluster/link_listener.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "runtime/threads/guarded.hpp"

namespace millrace {

namespace {

/// How late a deadline or a silence may be noticed.
constexpr std::chrono::milliseconds look_interval{500};
/// Without descriptors or memory nothing can be accepted, and the port would stay readable.
constexpr std::chrono::milliseconds out_of_resources_pause{100};

}  // namespace

link_listener::link_listener(unique_fd socket, const link_certificates& certificates,
                             admitted on_admitted)
    : socket_{std::move(socket)},
      wakes_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      certificates_{certificates},
      on_admitted_{std::move(on_admitted)} {}

result<std::unique_ptr<link_listener>> link_listener::open(const link_address& at,
                                                           const link_certificates& certificates,
                                                           admitted on_admitted) {
  unique_fd socket;
  if (const auto why = listen_at(at, socket)) return fail(ec::port_taken, *why);
  std::unique_ptr<link_listener> made{
      new link_listener{std::move(socket), certificates, std::move(on_admitted)}};
  made->thread_ =
      runtime_thread{"link listener", [&l = *made](const std::stop_token& stop) { l.run(stop); }};
  return made;
}

link_listener::~link_listener() {
  thread_.request_stop();
  const std::uint64_t one = 1;
  // It cannot fail: the counter is at 0. And if it did, the thread looks again soon.
  [[maybe_unused]] const auto written = ::write(wakes_.get(), &one, sizeof one);
}

void link_listener::watch(const std::shared_ptr<link_session>& session) {
  const std::lock_guard lock{mutex_};
  std::erase_if(watched_, [](const auto& w) { return w.expired(); });
  watched_.push_back(session);
}

void link_listener::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto served = guarded("link listener", [&] {
      wait(stop);
      const auto now = std::chrono::steady_clock::now();
      drop_the_late(now);
      drop_the_silent();
      report(now);
    });
    if (served) continue;
    pollfd ends{wakes_.get(), POLLIN, 0};  // what failed may fail at once again
    ::poll(&ends, 1, static_cast<int>(out_of_resources_pause.count()));
  }
}

void link_listener::wait(const std::stop_token& stop) {
  const auto begun = std::chrono::steady_clock::now();
  const bool accepts = begun >= accept_again_;
  std::vector<pollfd> ready{{wakes_.get(), POLLIN, 0}, {accepts ? socket_.get() : -1, POLLIN, 0}};
  for (const auto& s : strangers_) ready.push_back({s.session->descriptor(), s.waits_for, 0});
  const auto pause = accepts ? look_interval : out_of_resources_pause;
  if (::poll(ready.data(), ready.size(), static_cast<int>(pause.count())) <= 0) return;
  if (stop.stop_requested()) return;
  auto at = ready.begin() + 2;
  for (auto s = strangers_.begin(); s != strangers_.end(); ++at) {
    // One whose handshake throws is dropped; it would throw again.
    const bool stays =
        at->revents == 0 || guarded("link handshake", [&] { return advance(*s); }).value_or(false);
    s = stays ? std::next(s) : strangers_.erase(s);
  }
  if (ready[1].revents != 0) accept_all(std::chrono::steady_clock::now());
}

void link_listener::accept_all(time_point now) {
  for (std::size_t i = 0; i < max_strangers; ++i) {  // then those at hand have their turn
    unique_fd visitor{::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!visitor) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        spdlog::warn("a connection to the port of the links cannot be accepted: {}",
                     std::strerror(errno));
        accept_again_ = now + out_of_resources_pause;
      }
      return;
    }
    if (strangers_.size() == max_strangers) {
      strangers_.pop_front();
      drop("more than " + std::to_string(max_strangers) + " were waiting");
    }
    stranger s{std::make_shared<link_session>(std::move(visitor), certificates_.context(),
                                              link_session::side::accepts),
               now + link_handshake_limit};
    if (advance(s)) strangers_.push_back(std::move(s));
  }
}

bool link_listener::advance(stranger& s) {
  switch (s.session->shake_hands()) {
    case link_session::handshake::needs_input:
      s.waits_for = POLLIN;
      return true;
    case link_session::handshake::needs_output:
      s.waits_for = POLLOUT;
      return true;
    case link_session::handshake::failed:
      if (!s.session->peer_said_nothing()) drop(s.session->problem());
      return false;
    case link_session::handshake::done:
      break;
  }
  watch(s.session);
  on_admitted_(std::move(s.session));
  return false;
}

void link_listener::drop(const std::string& why) {
  ++dropped_;
  last_reason_ = why;
}

void link_listener::drop_the_late(time_point now) {
  while (!strangers_.empty() && strangers_.front().deadline <= now) {
    strangers_.pop_front();
    drop("no handshake within 3 s");
  }
}

void link_listener::drop_the_silent() {
  const std::lock_guard lock{mutex_};
  for (const auto& w : watched_)
    if (const auto session = w.lock(); session && session->is_silent_for(silence_limit))
      session->shut_down();
}

void link_listener::report(time_point now) {
  if (dropped_ == 0 || now < next_report_) return;
  spdlog::warn("{} connections to the port of the links were dropped, the last one because: {}",
               dropped_, last_reason_);
  dropped_ = 0;
  next_report_ = now + report_interval;
}

}  // namespace millrace
