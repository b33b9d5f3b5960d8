#include "actors/ledger_orders.hpp"

#include <utility>
#include <vector>

#include "actors/bounded_actor.hpp"

namespace millrace {

namespace {

/// The one answer for an order whose end is not known, or that no ledger took.
caf::error unanswered(const std::string& why) {
  return caf::make_error(ec::timeout, why + "; repeat the order with the same idempotency key");
}

caf::error lost_ledger() {
  return unanswered("the node that keeps the ledger was lost before it answered");
}

bool is_ours(const caf::error& e) {
  return e.category() == caf::detail::error_factory<ec>::category;
}

std::string whole_seconds(duration d) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(d).count()) + " s";
}

}  // namespace

void ledger_orders::take(order what, promise answer) {
  if (open_.size() >= max_open) {
    answer.deliver(
        caf::make_error(ec::mailbox_full, std::string{"too many orders wait for the ledger"}));
    return;
  }
  const auto id = ++last_id_;
  open_.emplace(id, open_order{std::move(what), std::move(answer), self_.clock().now() + limit_});
  send(id);
  if (!std::exchange(ticking_, true)) self_.delayed_send(&self_, look_interval, tick_atom_v);
}

void ledger_orders::use(const ledger_actor& leads) {
  if (leads == ledger_) return;
  ledger_ = leads;
  std::vector<std::uint64_t> waiting;
  for (const auto& [id, o] : open_)
    if (!o.sent_to) waiting.push_back(id);
  for (const auto id : waiting) send(id);
}

void ledger_orders::forget_unless(const std::function<bool(const ledger_actor&)>& is_there) {
  for (auto it = open_.begin(); it != open_.end();) {
    if (!it->second.sent_to || is_there(it->second.sent_to)) {
      ++it;
      continue;
    }
    it->second.answer.deliver(lost_ledger());
    it = open_.erase(it);
  }
}

void ledger_orders::tick() {
  const auto now = self_.clock().now();
  while (!open_.empty() && open_.begin()->second.due <= now) {
    auto& late = open_.begin()->second;
    late.answer.deliver(unanswered(late.sent_to
                                       ? "the ledger did not answer within " + whole_seconds(limit_)
                                       : "no ledger led within " + whole_seconds(limit_) +
                                             ", and nothing was booked"));
    open_.erase(open_.begin());
  }
  ticking_ = !open_.empty();
  if (ticking_) self_.delayed_send(&self_, look_interval, tick_atom_v);
}

void ledger_orders::close() {
  for (auto& [id, o] : open_) o.answer.deliver(lost_ledger());
  open_.clear();
  ledger_ = ledger_actor{};
}

/// To the ledger that leads, if there is one that may do what an earlier one refused. The request
/// itself has no limit: its entry in CAF's clock would outlive the answer.
void ledger_orders::send(std::uint64_t id) {
  auto& o = open_.at(id);
  if (!ledger_ || ledger_ == o.refused_by) return;
  o.sent_to = ledger_;
  std::visit(
      [&](const auto& what) {
        self_.request(ledger_, caf::infinite, what)
            .then([this, id](const ledger::receipt& receipt) { answered(id, receipt); },
                  [this, id](const caf::error& why) { refused(id, why); });
      },
      o.what);
}

void ledger_orders::answered(std::uint64_t id, const ledger::receipt& receipt) {
  if (auto open = open_.extract(id)) open.mapped().answer.deliver(receipt);
}

void ledger_orders::refused(std::uint64_t id, const caf::error& why) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  auto& o = found->second;
  const auto code = is_ours(why) ? from_caf(why).code : ec::timeout;
  if (code == ec::stale_token) {  // nothing was booked: its successor does it
    o.refused_by = std::exchange(o.sent_to, ledger_actor{});
    return send(id);
  }
  if (!is_ours(why))
    o.answer.deliver(lost_ledger());
  else if (code == ec::timeout || code == ec::database_timeout)
    o.answer.deliver(unanswered("the ledger's database did not answer in time"));
  else
    o.answer.deliver(why);
  open_.erase(found);
}

}  // namespace millrace
