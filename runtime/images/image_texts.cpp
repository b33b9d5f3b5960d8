#include "runtime/images/image_texts.hpp"

#include <iterator>
#include <utility>

#include <spdlog/spdlog.h>

#include "runtime/core/utf8.hpp"
#include "runtime/database/binary_rows.hpp"

namespace millrace {

namespace {

constexpr auto find_sql = R"sql(
select k.place - 1, t.text
from unnest($1::bigint[], $2::text[]) with ordinality as k (dataset_id, sha256, place)
join image_texts t on t.dataset_id = k.dataset_id and t.sha256 = k.sha256 and t.languages = $3)sql";

// A dataset that was deleted meanwhile gets no rows any more: nobody would remove them. In the
// order of the key, so that two nodes do not wait for each other in turn.
constexpr auto keep_sql = R"sql(
with alive as materialized (select id from datasets where id = any($1) order by id for key share)
insert into image_texts (dataset_id, sha256, languages, text)
select k.dataset_id, k.sha256, $4, k.text
from unnest($1::bigint[], $2::text[], $3::text[]) as k (dataset_id, sha256, text)
join alive d on d.id = k.dataset_id
order by 1, 2
on conflict do nothing)sql";

/// Takes at most `count` from the front.
template <class T>
std::vector<T> take(std::vector<T>& from, std::size_t count) {
  if (from.size() <= count) return std::exchange(from, {});
  const auto end = std::next(from.begin(), static_cast<std::ptrdiff_t>(count));
  std::vector<T> taken{std::make_move_iterator(from.begin()), std::make_move_iterator(end)};
  from.erase(from.begin(), end);
  return taken;
}

std::size_t bytes_of(const image_key& key, const std::string& text) {
  return sizeof key + key.sha256.size() + text.size();
}

}  // namespace

image_texts::image_texts(connection_pool& pool, std::string languages)
    : pool_{pool}, languages_{std::move(languages)}, thread_{"image texts", [this] { run(); }} {}

image_texts::~image_texts() {
  stop();
}

void image_texts::stop() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(stopping_, true)) return;
  }
  changed_.notify_all();
  thread_.join();
  for (auto& q : std::exchange(questions_, {})) q.done(std::nullopt);
}

void image_texts::find(image_key key, found done) {
  {
    const std::lock_guard lock{mutex_};
    if (!stopping_) {
      questions_.push_back({std::move(key), std::move(done)});
      changed_.notify_one();
      return;
    }
  }
  done(std::nullopt);
}

void image_texts::keep(image_key key, std::string_view read) {
  auto text = clean_utf8(read);  // one that PostgreSQL refuses would cost the others of its batch
  const auto bytes = bytes_of(key, text);
  {
    const std::lock_guard lock{mutex_};
    if (stopping_ || waiting_bytes_ + bytes > max_waiting_bytes) return;
    waiting_bytes_ += bytes;
    notes_.push_back({std::move(key), std::move(text)});
  }
  changed_.notify_one();
}

void image_texts::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !questions_.empty() || !notes_.empty(); });
    if (stopping_ && notes_.empty()) return;
    auto notes = take(notes_, max_batch);
    auto questions = stopping_ ? std::vector<question>{} : take(questions_, max_batch);
    lock.unlock();
    // First: what was read while these waited may be what they ask for.
    // Questions that an exception unwinds are answered with nothing.
    const auto written = guarded("image texts", [&] {
      const bool kept = notes.empty() || write(notes);
      if (!questions.empty()) answer(std::move(questions));
      return kept;
    });
    questions.clear();
    lock.lock();
    for (const auto& n : notes) waiting_bytes_ -= bytes_of(n.key, n.text);
    if (stopping_ && !written.value_or(false)) return;
  }
}

bool image_texts::write(const std::vector<note>& notes) {
  std::vector<std::int64_t> datasets;
  std::vector<std::string> hashes;
  std::vector<std::string> texts;
  for (const auto& n : notes) {
    datasets.push_back(n.key.dataset_id);
    hashes.push_back(n.key.sha256);
    texts.push_back(n.text);
  }
  const auto kept =
      pool_.transact("images", [&](sql::work& tx, pooled_connection& c) -> result<void> {
        c.prepare("image_texts_keep", keep_sql);
        tx.exec(sql::prepared{"image_texts_keep"},
                sql::params{int8_array_parameter(datasets), text_array_parameter(hashes),
                            text_array_parameter(texts), languages_});
        return {};
      });
  if (!kept)
    spdlog::warn("what {} images say is not kept for other nodes: {}", notes.size(),
                 kept.error().message);
  return kept.has_value();
}

void image_texts::answer(std::vector<question> questions) {
  auto texts = look_up(questions);
  if (!texts) {
    spdlog::warn("whether images were read before is not known, they are read again: {}",
                 texts.error().message);
    texts = std::vector<std::optional<std::string>>(questions.size());
  }
  for (std::size_t i = 0; i < questions.size(); ++i) questions[i].done(std::move((*texts)[i]));
}

result<std::vector<std::optional<std::string>>> image_texts::look_up(
    const std::vector<question>& questions) {
  using texts = std::vector<std::optional<std::string>>;
  std::vector<std::int64_t> datasets;
  std::vector<std::string> hashes;
  for (const auto& q : questions) {
    datasets.push_back(q.key.dataset_id);
    hashes.push_back(q.key.sha256);
  }
  return pool_.transact("images", [&](sql::work& tx, pooled_connection& c) -> result<texts> {
    c.prepare("image_texts_find", find_sql);
    texts out(questions.size());
    for (const auto& row : tx.exec(
             sql::prepared{"image_texts_find"},
             sql::params{int8_array_parameter(datasets), text_array_parameter(hashes), languages_}))
      out.at(row[0].as<std::size_t>()) = row[1].as<std::string>();
    return out;
  });
}

}  // namespace millrace
