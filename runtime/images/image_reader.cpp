#include "runtime/images/image_reader.hpp"

#include <deque>
#include <list>
#include <map>
#include <mutex>

namespace millrace {

namespace {

image_key key_of(const image_question& q) {
  return {q.dataset_id, q.image.sha256};
}

struct waiting_question {
  image_question question;
  image_answer done;
};

/// True where the same would be said to everyone who asks for this image now.
bool concerns_all(const result<std::string>& outcome) {
  return outcome || is_unreadable_image(outcome.error().code) ||
         outcome.error().code == ec::draining;
}

}  // namespace

struct image_reader::state : std::enable_shared_from_this<state> {
  state(extract p, image_texts* k) : pool{std::move(p)}, kept{k} {}

  struct remembered {
    image_key key;
    std::string text;
    std::size_t bytes() const { return 2 * (sizeof key + key.sha256.size()) + text.size(); }
  };

  const extract pool;
  image_texts* const kept;
  std::mutex mutex;
  std::map<image_key, std::deque<waiting_question>> in_flight;  ///< The first one's is asked.
  std::list<remembered> newest_first;
  std::map<image_key, std::list<remembered>::iterator> known;
  std::size_t bytes = 0;

  /// Nothing where somebody must read it: then the question is noted, and `first` says whether that
  /// is the caller.
  std::optional<std::string> look_up(const image_question& q, image_answer& done, bool& first) {
    const auto key = key_of(q);
    const std::lock_guard lock{mutex};
    if (const auto found = known.find(key); found != known.end()) {
      newest_first.splice(newest_first.begin(), newest_first, found->second);
      return found->second->text;
    }
    auto& waiting = in_flight[key];
    first = waiting.empty();
    waiting.push_back({q, std::move(done)});
    return std::nullopt;
  }

  /// Who has read it already, here or elsewhere; else it is read.
  void find(image_question q) {
    if (kept == nullptr) return ask(q);
    auto key = key_of(q);
    kept->find(std::move(key), [self = shared_from_this(), q = std::move(q)](auto text) {
      if (!text) return self->ask(q);
      self->answer(key_of(q), std::move(*text));
    });
  }

  void ask(const image_question& q) {
    auto self = shared_from_this();
    extraction_request request;
    request.path = q.path;
    request.size_hint = q.version.size;
    request.progress = q.progress;
    if (!q.fetched) request.version = q.version;
    request.image_source = q.image.source;
    pool(std::move(request), [self, q](result<extracted_document> outcome) {
      const auto text = text_of(std::move(outcome));
      if (text && self->kept != nullptr) self->kept->keep(key_of(q), *text);
      self->answer(key_of(q), text);
    });
  }

  static result<std::string> text_of(result<extracted_document> outcome) {
    if (!outcome) return tl::unexpected<error>(outcome.error());
    return outcome->elements.empty() ? std::string{} : std::move(outcome->elements.front().text);
  }

  void answer(const image_key& key, const result<std::string>& outcome) {
    std::deque<waiting_question> answered;
    std::optional<image_question> next;
    {
      const std::lock_guard lock{mutex};
      auto waiting = in_flight.extract(key);
      answered.swap(waiting.mapped());
      if (outcome) remember({key, *outcome});
      if (!concerns_all(outcome) && answered.size() > 1) {
        waiting.mapped().assign(std::make_move_iterator(answered.begin() + 1),
                                std::make_move_iterator(answered.end()));
        answered.resize(1);
        next = waiting.mapped().front().question;
        in_flight.insert(std::move(waiting));
      }
    }
    for (auto& one : answered) one.done(outcome);
    if (next) find(std::move(*next));
  }

  void remember(remembered what) {
    bytes += what.bytes();
    newest_first.push_front(std::move(what));
    known[newest_first.front().key] = newest_first.begin();
    while (bytes > max_remembered_bytes) {
      bytes -= newest_first.back().bytes();
      known.erase(newest_first.back().key);
      newest_first.pop_back();
    }
  }
};

image_reader::image_reader(extract pool, image_texts* kept)
    : state_{std::make_shared<state>(std::move(pool), kept)} {}

void image_reader::read(image_question question, image_answer done) {
  bool first = false;
  auto known = state_->look_up(question, done, first);
  if (known) return done(std::move(*known));
  if (first) state_->find(std::move(question));
}

bool is_unreadable_image(ec code) {
  switch (code) {
    case ec::unsupported_format:
    case ec::encrypted_document:
    case ec::malformed_document:
    case ec::limit_exceeded:
    case ec::extraction_timeout:
    case ec::extraction_memory:
    case ec::extraction_crashed:
      return true;
    default:
      return false;
  }
}

}  // namespace millrace
