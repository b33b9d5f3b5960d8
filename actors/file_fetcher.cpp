#include "actors/file_fetcher.hpp"

#include <cstring>

#include "runtime/core/system_error.hpp"
#include "runtime/sources/file_uri.hpp"

namespace millrace {

file_fetcher_actor_impl::behavior_type file_fetcher_actor_impl::make_behavior() {
  return {
      [this](const fetch_file& order) { return on_fetch(order); },
      [this](const peers_changed& message) { on_peers(message); },
      [this](flush_atom, std::uint64_t bytes) { release(bytes); },
  };
}

void file_fetcher_actor_impl::on_exit() {
  const auto ended = caf::make_error(ec::actor_lost, std::string{"the file fetcher ended"});
  for (auto& [id, t] : running_) t.promise.deliver(ended);
  for (auto& t : waiting_) t.promise.deliver(ended);
  running_.clear();
  waiting_.clear();
  readers_.clear();
}

caf::result<file_fetched> file_fetcher_actor_impl::on_fetch(const fetch_file& order) {
  const auto place = place_of_file_uri(order.uri);
  if (!place) return caf::make_error(ec::source_missing, order.uri + " is not a file:// URI");
  transfer t{order, place->node, make_response_promise<file_fetched>()};
  auto promise = t.promise;
  waiting_.push_back(std::move(t));
  begin_waiting();
  return promise;
}

/// What is lost ends at once, what waits may begin.
void file_fetcher_actor_impl::on_peers(const peers_changed& message) {
  readers_.clear();
  for (const auto& offer : message.offers)
    if (offer.files) readers_[offer.node] = offer.files;
  std::vector<std::uint64_t> lost;
  for (const auto& [id, t] : running_) {
    const auto found = readers_.find(t.node);
    if (found == readers_.end() || found->second != t.reader) lost.push_back(id);
  }
  for (const auto id : lost) abandon(id, {ec::source_away, "the link to its node was lost"});
}

bool file_fetcher_actor_impl::fits(std::uint64_t bytes) const {
  return held_ == 0 || held_ + bytes <= config_.scratch.bytes;
}

void file_fetcher_actor_impl::begin_waiting() {
  std::map<std::string, std::size_t> of_node;
  for (const auto& [id, t] : running_) ++of_node[t.node];
  for (auto next = waiting_.begin(); next != waiting_.end() && running_.size() < max_transfers;) {
    if (of_node[next->node] >= max_transfers_of_node) {
      ++next;
      continue;
    }
    if (!fits(next->order.size)) return;
    const auto id = ++last_id_;
    auto& t = running_.emplace(id, std::move(*next)).first->second;
    next = waiting_.erase(next);
    ++of_node[t.node];
    t.reserved = t.order.size;
    held_ += t.reserved;
    begin(id, t);
  }
}

void file_fetcher_actor_impl::begin(std::uint64_t id, transfer& t) {
  const auto found = readers_.find(t.node);
  if (found == readers_.end())
    return abandon(id, {ec::source_away,
                        "node `" + t.node + "`, which has the file, is not linked to this one"});
  t.reader = found->second;
  t.file = std::make_shared<scratch_file>();
  t.offset = 0;
  ++t.beginnings;
  ask(id, t);
}

void file_fetcher_actor_impl::ask(std::uint64_t id, transfer& t) {
  request(t.reader, answer_limit,
          read_file{t.order.document_id, t.order.uri, t.offset, read_file::max_piece})
      .then([this, id](const file_piece& piece) { on_piece(id, piece); },
            [this, id](const caf::error& e) {
              auto why = from_caf(e);
              // A time-out, a lost or overloaded reader, a database that is away: not the
              // document's fault.
              if (kind_of(why.code) == error_kind::lost || passes(why))
                why = {ec::source_away, "its node did not answer for a piece of it"};
              abandon(id, why);
            });
}

void file_fetcher_actor_impl::on_piece(std::uint64_t id, const file_piece& piece) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;  // abandoned meanwhile
  auto& t = found->second;
  if (t.offset == 0) t.version = piece.version;
  if (piece.version != t.version) {
    if (t.beginnings < max_beginnings) return begin(id, t);
    return abandon(id, {ec::source_unreadable, t.order.uri + " changes while it is read"});
  }
  if (piece.version.size > t.reserved) {  // larger than at its submission
    held_ += piece.version.size - t.reserved;
    t.reserved = piece.version.size;
  }
  if (!t.file->write(t.offset, piece.bytes))
    return abandon(
        id, system_error(errno, "a scratch file in $TMPDIR cannot be written", ec::disk_full));
  t.offset += piece.bytes.size();
  config_.counters->fetched_bytes_total.Increment(static_cast<double>(piece.bytes.size()));
  if (piece.bytes.size() < read_file::max_piece) return finish(id);
  ask(id, t);
}

void file_fetcher_actor_impl::finish(std::uint64_t id) {
  auto node = running_.extract(id);
  auto& t = node.mapped();
  // The last holder, on whatever thread, gives the room back.
  auto self = caf::actor_cast<file_fetcher_actor>(this);
  std::shared_ptr<scratch_file> held{
      t.file.get(), [file = t.file, self, bytes = t.reserved](scratch_file*) mutable {
        file.reset();
        caf::anon_send(self, flush_atom_v, bytes);
      }};
  t.promise.deliver(file_fetched{std::move(held), t.version});
  begin_waiting();
}

void file_fetcher_actor_impl::abandon(std::uint64_t id, const error& why) {
  auto node = running_.extract(id);
  if (node.empty()) return;
  held_ -= node.mapped().reserved;
  node.mapped().promise.deliver(to_caf(why));
  // Not in place: begin_waiting() may be what called this.
  anon_send(caf::actor_cast<file_fetcher_actor>(this), flush_atom_v, std::uint64_t{0});
}

void file_fetcher_actor_impl::release(std::uint64_t bytes) {
  held_ -= bytes;
  begin_waiting();
}

}  // namespace millrace
