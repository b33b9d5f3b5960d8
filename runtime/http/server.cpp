#include "runtime/http/server.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "runtime/http/listener.hpp"
#include "runtime/http/session.hpp"
#include "runtime/http/worker_pool.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/threads/guarded.hpp"
#include "runtime/threads/runtime_thread.hpp"

namespace millrace::http {

namespace net = boost::asio;

namespace {

/// Pause of accepting after it failed, which is where descriptors have run out.
constexpr duration accept_pause{100};

result<void> check(const server_config& c) {
  const auto positive = c.workers > 0 && c.max_connections > 0 && c.max_queued > 0 &&
                        c.max_uploads > 0 && c.max_header.bytes > 0 &&
                        c.max_header.bytes <= (1_GiB).bytes;
  const auto timed = c.idle_timeout.count() > 0 && c.read_timeout.count() > 0 &&
                     c.write_timeout.count() > 0 && c.stop_timeout.count() >= 0;
  if (positive && timed) return {};
  return fail(ec::invalid_config, "the HTTP server's limits and time-outs must all be above 0");
}

}  // namespace

/// Members that only the I/O thread touches are marked; the others are constant or guarded.
struct server::impl {
  using acceptor = net::basic_socket_acceptor<session::protocol>;

  impl(server_config c, handler h, listener l);
  ~impl();

  void accept();
  void on_accepted(session::protocol::socket socket);
  void on_closed(session& closed);
  void begin_stop();
  void end_stop();
  void stop();

  const server_config config;
  const handler handle;
  listener socket_file;
  const std::string address;
  net::io_context io{1};
  net::executor_work_guard<net::io_context::executor_type> work{io.get_executor()};
  acceptor accepting;       // I/O thread.
  net::steady_timer pause;  // I/O thread.
  session_host host;
  std::unordered_map<session*, std::shared_ptr<session>> sessions;  // I/O thread.
  int refusals = 0;                                                 // I/O thread.

  std::mutex stop_mutex;  // Held by the one that stops.
  bool stopped = false;
  std::mutex drained_mutex;
  std::condition_variable drained;
  bool all_closed = false;

  // Last, so that threads end before what they use; workers first.
  runtime_thread io_thread;
  worker_pool workers;
  worker_pool receivers;
};

server::impl::impl(server_config c, handler h, listener l)
    : config(std::move(c)),
      handle(std::move(h)),
      socket_file(std::move(l)),
      address(socket_file.address()),
      accepting(io),
      pause(io),
      host{config, handle, workers, receivers, [this](session& s) { on_closed(s); }},
      workers(config.workers, static_cast<std::size_t>(config.max_queued)),
      receivers(upload_workers, static_cast<std::size_t>(config.max_uploads)) {
  const session::protocol protocol(socket_file.family(), 0);
  accepting.assign(protocol, socket_file.release_socket());
  accept();
  // An exception of a handler leaves run(), which then continues with the next one.
  io_thread = runtime_thread("http", [this] {
    while (!guarded("http", [this] { io.run(); })) continue;
  });
}

server::impl::~impl() {
  stop();
  sessions.clear();
}

void server::impl::accept() {
  accepting.async_accept([this](session::error_code failed, session::protocol::socket socket) {
    if (!accepting.is_open()) return;
    if (!failed) {
      static_cast<void>(guarded("http accept", [&] { on_accepted(std::move(socket)); }));
      return accept();
    }
    log::warn("a connection could not be accepted", {{"reason", failed.message()}});
    pause.expires_after(accept_pause);
    pause.async_wait([this](session::error_code cancelled) {
      if (!cancelled && accepting.is_open()) accept();
    });
  });
}

void server::impl::on_accepted(session::protocol::socket socket) {
  const auto full = static_cast<int>(sessions.size()) - refusals >= config.max_connections;
  if (full && refusals >= max_refusals) return;
  if (socket_file.family() != AF_UNIX) {
    const int on = 1;  // Answers are written whole; waiting for more would only delay them.
    setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  auto accepted = std::make_shared<session>(std::move(socket), host);
  sessions.emplace(accepted.get(), accepted);
  if (!full) return accepted->start();
  ++refusals;
  accepted->refuse();
}

void server::impl::on_closed(session& closed) {
  if (closed.refused()) --refusals;
  sessions.erase(&closed);
  if (!host.stopping || !sessions.empty()) return;
  const std::lock_guard lock(drained_mutex);
  all_closed = true;
  drained.notify_all();
}

void server::impl::begin_stop() {
  host.stopping = true;
  session::error_code ignored;
  accepting.close(ignored);
  pause.cancel();
  socket_file.remove_file();
  const auto open = sessions;  // Closing changes the map.
  for (const auto& [_, s] : open) s->drain();
  const std::lock_guard lock(drained_mutex);
  all_closed = sessions.empty();
  drained.notify_all();
}

void server::impl::end_stop() {
  const auto open = sessions;
  for (const auto& [_, s] : open) s->close();
  io.stop();
}

void server::impl::stop() {
  const std::lock_guard stopping(stop_mutex);
  if (stopped) return;
  stopped = true;
  net::post(io, [this] { begin_stop(); });
  {
    std::unique_lock lock(drained_mutex);
    drained.wait_for(lock, config.stop_timeout, [&] { return all_closed; });
  }
  net::post(io, [this] { end_stop(); });
  io_thread.join();
  workers.close();
  receivers.close();
}

result<std::unique_ptr<server>> server::start(server_config config, handler handle) {
  if (auto sound = check(config); !sound) return tl::unexpected(sound.error());
  auto socket = listener::open(config.listen);
  if (!socket) return tl::unexpected(socket.error());
  try {
    auto i = std::make_unique<impl>(std::move(config), std::move(handle), std::move(*socket));
    return std::unique_ptr<server>(new server(std::move(i)));
  } catch (const std::exception& e) {
    return fail(ec::internal, std::string("the HTTP server could not start its threads: ") +
                                  e.what() + "; raise the limit on processes");
  }
}

server::server(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
server::~server() = default;

const std::string& server::address() const {
  return impl_->address;
}
void server::stop() {
  impl_->stop();
}

}  // namespace millrace::http
