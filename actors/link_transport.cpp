#include "actors/link_transport.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <fcntl.h>
#include <spdlog/spdlog.h>

#include "actors/message_frames.hpp"

namespace millrace {

namespace {

using caf::io::network::default_multiplexer;
using caf::io::network::native_socket;
using caf::io::network::rw_state;

/// Reads and writes a stream of CAF's. For the multiplexer's thread.
class tls_policy {
 public:
  tls_policy(std::shared_ptr<link_session> session, std::shared_ptr<certified_nodes> nodes)
      : session_{std::move(session)}, nodes_{std::move(nodes)} {}
  ~tls_policy() {
    if (known_) nodes_->remove(*frames_.sender());
  }
  tls_policy(const tls_policy&) = delete;
  tls_policy& operator=(const tls_policy&) = delete;

  rw_state read_some(std::size_t& read, native_socket, void* to, std::size_t size) {
    read = 0;
    if (size == 0) return rw_state::indeterminate;
    const auto got = session_->read(to, size);
    if (!got.open || !follow(static_cast<const char*>(to), got.bytes)) {
      session_->shut_down();  // whatever is still to be written
      return rw_state::failure;
    }
    read = got.bytes;
    return rw_state::success;
  }
  rw_state write_some(std::size_t& written, native_socket, const void* from, std::size_t size) {
    written = 0;
    if (size == 0) return rw_state::indeterminate;
    const auto put = session_->write(from, size);
    written = put.bytes;
    return put.open ? rw_state::success : rw_state::failure;
  }
  /// What TLS has decrypted no poll of the socket tells of.
  bool must_read_more(native_socket, std::size_t threshold) const {
    return session_->pending() >= std::max<std::size_t>(threshold, 1);
  }

 private:
  bool follow(const char* bytes, std::size_t size) {
    if (!frames_.follow(bytes, size)) {
      spdlog::warn("the link with {} is closed: it sent {}, which no node does",
                   session_->peer_names().empty() ? "?" : session_->peer_names().front(),
                   frames_.problem());
      return false;
    }
    if (known_ || !frames_.sender()) return true;
    known_ = nodes_->add(*frames_.sender(), session_->peer_names());
    if (!known_)
      spdlog::warn("a link with {} is closed: a node of another certificate has its id",
                   session_->peer_names().front());
    return known_;
  }

  std::shared_ptr<link_session> session_;
  std::shared_ptr<certified_nodes> nodes_;
  message_frames frames_;
  bool known_ = false;
};

/// CAF closes the descriptor that it polls, so it gets one of its own; the session keeps its own.
class tls_scribe : public caf::io::scribe {
 public:
  tls_scribe(default_multiplexer& multiplexer, native_socket polled,
             std::shared_ptr<link_session> session, std::shared_ptr<certified_nodes> nodes)
      : scribe{caf::io::network::conn_hdl_from_socket(polled)},
        stream_{multiplexer, polled, std::move(session), std::move(nodes)} {}

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (!std::exchange(launched_, true)) stream_.start(this);
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.flush(this); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  std::string addr() const override {
    const auto address = caf::io::network::remote_addr_of_fd(stream_.fd());
    return address ? *address : std::string{};
  }
  std::uint16_t port() const override {
    const auto port = caf::io::network::remote_port_of_fd(stream_.fd());
    return port ? *port : std::uint16_t{0};
  }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

 private:
  bool launched_ = false;
  caf::io::network::stream_impl<tls_policy> stream_;
};

}  // namespace

bool certified_nodes::add(const caf::node_id& id, const std::vector<std::string>& names) {
  const std::lock_guard lock{mutex_};
  const auto known = std::ranges::find(open_, id, &entry::id);
  if (known == open_.end()) {
    open_.push_back({id, names, 1});
    return true;
  }
  if (known->names != names) return false;
  ++known->connections;
  return true;
}

void certified_nodes::remove(const caf::node_id& id) {
  const std::lock_guard lock{mutex_};
  const auto known = std::ranges::find(open_, id, &entry::id);
  if (known != open_.end() && --known->connections == 0) open_.erase(known);
}

bool certified_nodes::owns(const caf::node_id& id, const std::string& name) const {
  const std::lock_guard lock{mutex_};
  const auto known = std::ranges::find(open_, id, &entry::id);
  return known != open_.end() && std::ranges::find(known->names, name) != known->names.end();
}

link_transport::link_transport(caf::actor_system& system,
                               std::unique_ptr<link_certificates> certificates)
    : system_{system},
      certificates_{std::move(certificates)},
      broker_{system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"))} {}

link_transport::~link_transport() = default;

caf::io::scribe_ptr link_transport::adopt(std::shared_ptr<link_session> session) {
  const int polled = ::fcntl(session->descriptor(), F_DUPFD_CLOEXEC, 0);
  if (polled < 0) {
    spdlog::warn("a link cannot be made: {}", std::strerror(errno));
    return nullptr;
  }
  auto& multiplexer = dynamic_cast<default_multiplexer&>(system_.middleman().backend());
  return caf::make_counted<tls_scribe>(multiplexer, polled, std::move(session), nodes_);
}

result<void> link_transport::listen(const link_address& at, const gate_actor& gate) {
  auto opened = link_listener::open(
      at, *certificates_, [this, port = at.port, gate](std::shared_ptr<link_session> session) {
        if (auto scribe = adopt(std::move(session)))
          caf::anon_send(broker_, caf::publish_atom::value, std::move(scribe), port,
                         caf::actor_cast<caf::strong_actor_ptr>(gate), std::set<std::string>{});
      });
  if (!opened) return tl::unexpected<error>(opened.error());
  const std::lock_guard lock{mutex_};
  listener_ = std::move(*opened);
  for (const auto& session : std::exchange(dialled_early_, {}))
    if (const auto open = session.lock()) listener_->watch(open);
  return {};
}

void link_transport::close() {
  std::unique_ptr<link_listener> ended;  // its thread is waited for without the lock
  const std::lock_guard lock{mutex_};
  ended = std::move(listener_);
}

void link_transport::watch(const std::shared_ptr<link_session>& session) {
  const std::lock_guard lock{mutex_};
  if (listener_)
    listener_->watch(session);
  else
    dialled_early_.push_back(session);
}

gate_dialled link_transport::dial(const node_row& to) {
  gate_dialled outcome{to.name, to.incarnation, nullptr, {}};
  const auto address = parse_link_address(to.address);
  if (!address) {
    outcome.problem = "`" + to.address + "` is not HOST:PORT";
    return outcome;
  }
  auto session = dial_link(*address, to.name, certificates_->context());
  if (!session) {
    outcome.problem = session.error().message;
    return outcome;
  }
  watch(*session);
  auto scribe = adopt(std::move(*session));
  if (!scribe) {
    outcome.problem = "this process has no descriptor left";
    return outcome;
  }
  caf::scoped_actor self{system_};
  self->request(broker_, handshake_limit, caf::connect_atom::value, std::move(scribe),
                address->port)
      .receive(
          [&](const caf::node_id&, caf::strong_actor_ptr& gate, const std::set<std::string>&) {
            outcome.gate = std::move(gate);
            if (!outcome.gate) outcome.problem = "it has no gate yet";
          },
          [&](const caf::error&) {
            outcome.problem = "it did not answer as a millrace of this version";
          });
  return outcome;
}

bool link_transport::owns(const caf::strong_actor_ptr& actor, const std::string& name) const {
  return actor && nodes_->owns(actor->node(), name);
}

}  // namespace millrace
