#include "runtime/cluster/leadership.hpp"
#include "runtime/datasets/control.hpp"
#include "runtime/datasets/progress.hpp"
#include "tests/model/cluster_driver.hpp"

namespace millrace::model {

namespace {

std::string dataset_name(std::int64_t number) {
  return text("d", number);
}

}  // namespace

std::vector<uri_on_disk> cluster_driver::some_files(const std::string& dataset) {
  std::vector<uri_on_disk> files;
  const bool hashed = chance(90);
  for (int i = 0; i < uris_per_dataset; ++i) {
    const auto uri = text("file:///", dataset, "/", i);
    if (chance(15)) ++versions_[uri];
    if (chance(45) || (files.empty() && i + 1 == uris_per_dataset))
      files.push_back({uri, hashed ? text(std::string(56, '0'), 10'000'000 + versions_[uri]) : ""});
  }
  return files;
}

std::string cluster_driver::some_key() {
  return chance(40) ? text("key-", below(40)) : std::string{};
}

void cluster_driver::submit() {
  submit_order order;
  const auto number = below(datasets);
  order.dataset = dataset_name(number);
  order.account = (number % 2 == 0) != chance(3) ? "a" : "b";
  order.model = "test";
  order.dimensions = 2;
  order.options = chance(90) ? "chunk=1" : "chunk=2";
  order.prune = chance(40);
  order.require_new = chance(5);
  order.idempotency_key = some_key();
  order.charge = chance(85);
  order.cost_per_document = static_cast<int>(1 + below(5));
  const auto files = some_files(order.dataset);
  const auto expected = model_.expect(order, files);
  const auto what = text("submit ", files.size(), " files to ", order.dataset, " of ",
                         order.account, order.prune ? " with prune" : "", " key ",
                         order.idempotency_key, " cost ", order.charge * order.cost_per_document);
  auto begun = submission::begin(pool_, order);
  if (!begun || expected.problem == ec::dataset_conflict) {
    ends_with(expected.problem, begun, what);
    return;
  }
  for (const auto& file : files)
    for (int times = chance(10) ? 2 : 1; times > 0; --times)
      ends_with(ec::none, (*begun)->add(file.uri, 1, file.sha256), "  add " + file.uri);
  const auto got = (*begun)->finish();
  if (!ends_with(expected.problem, got, what)) return;
  expect(got->submitted == expected.submitted() && got->charged == expected.charged &&
             got->pruned == static_cast<std::int64_t>(expected.pruned.size()),
         text(what, ": submitted ", got->submitted, ", charged ", got->charged, ", pruned ",
              got->pruned, ", not ", expected.submitted(), ", ", expected.charged, ", ",
              expected.pruned.size()));
  model_.submitted(order, expected, *got);
}

void cluster_driver::cancel() {
  const auto found = model_.datasets.find(dataset_name(below(datasets)));
  if (found == model_.datasets.end()) return;
  auto& owner = found->second;
  const auto open = owner.count("queued");
  const auto got = cancel_dataset(pool_, owner.id);
  const auto expected = owner.status == "processing" ? ec::none : ec::dataset_finished;
  if (!ends_with(expected, got, "cancel " + owner.name)) return;
  const auto comes_back = model_.cancelled(owner);
  expect(got->documents == open && got->refunded == comes_back,
         text("cancel: ", got->documents, " documents and ", got->refunded, " credits, not ", open,
              " and ", comes_back));
}

void cluster_driver::retry() {
  const auto found = model_.datasets.find(dataset_name(below(datasets)));
  if (found == model_.datasets.end()) return;
  auto& owner = found->second;
  retry_order order{owner.id, chance(85), static_cast<int>(1 + below(3)), some_key()};
  const auto documents = owner.count("failed") + owner.count("cancelled");
  auto& keys = model_.accounts[owner.account].keys;
  const auto used = keys.find(order.idempotency_key);
  const ledger::deduction paid{
      owner.account, documents, order.cost_per_document, "", owner.id, order.idempotency_key, 0};
  const bool replays = used != keys.end() && used->second.by_retry &&
                       used->second.dataset_id == owner.id && order.charge &&
                       -used->second.amount == used->second.documents * order.cost_per_document;
  auto expected = ec::none;
  if (used != keys.end())
    expected = replays ? ec::none : ec::idempotency_conflict;
  else if (owner.status == "processing")
    expected = ec::dataset_running;
  else if (order.charge && documents > 0)
    expected = model_.expect(paid).problem;
  const auto got = retry_dataset(pool_, order);
  if (!ends_with(expected, got, text("retry ", owner.name, " key ", order.idempotency_key))) return;
  expect(
      got->replayed == replays && got->documents == (replays ? used->second.documents : documents),
      text("retry: ", got->documents, " documents"));
  if (replays || documents == 0) return;
  if (order.charge) {
    model_.deducted(paid, got->transaction_id);
    if (!paid.idempotency_key.empty()) keys[paid.idempotency_key].by_retry = true;
  }
  model_.retried(owner, order.charge ? got->transaction_id : 0);
}

void cluster_driver::pause_or_resume() {
  const auto found = model_.datasets.find(dataset_name(below(datasets)));
  if (found == model_.datasets.end()) return;
  auto& owner = found->second;
  if (owner.paused) {
    if (ends_with(ec::none, resume_dataset(pool_, owner.id), "resume " + owner.name))
      owner.paused = false;
    return;
  }
  const auto expected = owner.status == "processing" ? ec::none : ec::dataset_finished;
  if (ends_with(expected, pause_dataset(pool_, owner.id), "pause " + owner.name))
    owner.paused = true;
}

void cluster_driver::write_statuses() {
  const auto term = campaign(pool_, "status_aggregator", "observer", 1, std::chrono::hours{1});
  if (!ends_with(ec::none, term, "campaign") || !*term) return;
  std::vector<std::int64_t> ids;
  for (auto& [name, owner] : model_.datasets) {
    ids.push_back(owner.id);
    model_.status_written(owner);
  }
  const auto got = write_status(pool_, **term, ids);
  if (!ends_with(ec::none, got, "write all statuses")) return;
  expect(got->size() == ids.size(), "a status was not written");
  for (const auto& written : *got)
    if (const auto* owner = model_.dataset_of(written.dataset_id))
      expect(owner->status == written.status,
             text("dataset ", owner->name, " must be ", owner->status, ", not ", written.status));
}

}  // namespace millrace::model
