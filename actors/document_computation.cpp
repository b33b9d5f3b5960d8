// Computations on a document: what was read is encoded for its checkpoint, its images are found,
// and it is cut into chunks. Small documents are computed in the actor, large ones in the compute
// pool, because they would keep a scheduler's thread busy for up to seconds.
#include <algorithm>
#include <iterator>
#include <tuple>

#include "actors/document.hpp"
#include "runtime/checkpoints/segment.hpp"
#include "runtime/chunking/chunker.hpp"
#include "runtime/images/image_text.hpp"

namespace millrace {

namespace {

/// Bytes of text in what was read, with something for each element. Stops counting once it is
/// large.
std::uint64_t work_bytes(const extracted_document& document) {
  constexpr std::uint64_t element_bytes = 64;
  std::uint64_t bytes = document.elements.size() * element_bytes;
  for (const auto& e : document.elements) {
    if (bytes >= large_work_bytes) break;
    bytes += e.text.size();
  }
  return bytes;
}

/// What an element counts for where its text is not looked at, bytes: 8,000 elements are large.
constexpr std::uint64_t scanned_element_bytes = 8;

void put_before(std::vector<element> before, std::vector<element>& elements) {
  if (before.empty()) return;
  std::move(elements.begin(), elements.end(), std::back_inserter(before));
  elements = std::move(before);
}

distinct_images find_images(const std::vector<element>& elements) {
  distinct_images found;
  for (const auto& e : elements)
    if (e.kind == element_kind::image && !e.image.sha256.empty() &&
        ++found.occurrences[e.image.sha256] == 1)
      found.images.push_back({e.page, e.image, e.text});
  return found;
}

struct chunked_document {
  std::vector<chunk> chunks;
  std::vector<image_record> images;
};

chunked_document chunk_with_images(extracted_document document, std::vector<image_record> images,
                                   const chunking_settings& s) {
  insert_image_texts(document.elements, images);
  chunked_document out{chunk_document(document, s), std::move(images)};
  std::sort(out.images.begin(), out.images.end(), [](const auto& a, const auto& b) {
    return std::tie(a.page, a.info.sha256) < std::tie(b.page, b.info.sha256);
  });
  return out;
}

}  // namespace

/// Runs `work`, on so many bytes, here if it is small and in the compute pool if it is large.
/// `then` runs in this actor, unless the document was given back in the meantime.
template <class Value>
void document_actor_impl::compute(std::uint64_t bytes, std::function<Value()> work,
                                  std::function<void(Value&)> then) {
  const auto number = ++computation_;
  if (!config_.compute || bytes < large_work_bytes) {
    auto value = work();
    return then(value);
  }
  auto self = caf::actor_cast<document_actor>(this);
  computation_bytes_ = bytes;
  computation_job_ = make_compute_job<Value>(
      std::move(work),
      [self, number, token = work_.token, then = std::move(then)](result<Value> value) {
        using next = result<std::function<void()>>;
        auto answer = std::make_shared<next>();
        if (value)
          *answer = [then, computed = std::make_shared<Value>(std::move(*value))] {
            then(*computed);
          };
        else
          *answer = tl::unexpected<error>(value.error());
        caf::anon_send(self, work_computed{token, number, std::move(answer)});
      });
  start_computation();
}

/// If the pool is full the document waits, and this actor answers others meanwhile.
void document_actor_impl::start_computation() {
  if (!config_.compute(computation_bytes_, computation_job_))
    delayed_send(this, compute_pause, work_computed{work_.token, computation_, nullptr});
}

void document_actor_impl::on_computed(work_computed& message) {
  if (message.token != work_.token || message.number != computation_) return;  // given back
  ++steps_;
  if (!message.then) return start_computation();
  computation_job_ = nullptr;
  if (!*message.then) return conclude(message.then->error());
  (**message.then)();
}

void document_actor_impl::on_extracted(document_extracted& message) {
  if (stage_ != stage::extracting || message.token != work_.token) return;  // given back meanwhile
  if (!*message.outcome) return conclude(message.outcome->error());
  auto& document = **message.outcome;
  if (!rest_is_worth_saving(document)) return continue_extracted(std::move(document));
  result_.sha256 = document.sha256;
  if (document.skipped_pages == 0 && saved_elements_ == 0) begin_pieces();
  const auto bytes = work_bytes(document);
  auto shared = std::make_shared<extracted_document>(std::move(document));
  compute<std::vector<std::string>>(
      bytes,
      [shared, elements = saved_elements_, pages = saved_pages_] {
        return encode_extraction(*shared, elements, pages);
      },
      [this, shared](std::vector<std::string>& pieces) {
        for (auto& content : pieces) save(piece_kind::pages, next_piece_++, std::move(content));
        continue_extracted(std::move(*shared));
      });
}

void document_actor_impl::continue_extracted(extracted_document document) {
  const bool same = document.skipped_pages == 0 || is_continued_by(document);
  auto before = std::exchange(restored_.extraction, {});
  if (!same) return extract();
  if (document.skipped_pages == 0) before.elements.clear();
  document.skipped_pages = 0;
  take_extracted(std::move(document), std::move(before.elements));
}

/// Takes what was read, with what an earlier holder had read `before`, and asks for its images.
void document_actor_impl::take_extracted(extracted_document document, std::vector<element> before) {
  const auto bytes = (before.size() + document.elements.size()) * scanned_element_bytes;
  auto shared = std::make_shared<extracted_document>(std::move(document));
  auto earlier = std::make_shared<std::vector<element>>(std::move(before));
  compute<distinct_images>(
      bytes,
      [shared, earlier] {
        put_before(std::move(*earlier), shared->elements);
        return find_images(shared->elements);
      },
      [this, shared](distinct_images& found) {
        extracted_ = std::move(*shared);
        result_.mime = extracted_.mime;
        result_.sha256 = extracted_.sha256;
        result_.size = extracted_.size;
        result_.pages = extracted_.pages;
        result_.warning = extracted_.warning;
        if (!fetched_) version_ = extracted_.version;
        if (!restored_.key.empty() &&
            restored_.key != checkpoint_key(result_.sha256, result_.options, config_.model))
          restored_ = {};  // it was changed in between
        take_images(std::move(found));
        enter(stage::describing);
        describe_images();
      });
}

void document_actor_impl::chunk() {
  if (unread_images_ > 0 && result_.warning.code == ec::none)
    result_.warning = {ec::partly_read, std::to_string(unread_images_) +
                                            " images or scanned pages could not be read; their "
                                            "text is missing"};
  const auto bytes = work_bytes(extracted_);
  auto document = std::make_shared<extracted_document>(std::exchange(extracted_, {}));
  auto images = std::make_shared<std::vector<image_record>>(std::move(result_.images));
  compute<chunked_document>(
      bytes,
      [document, images, s = config_.chunking] {
        return chunk_with_images(std::move(*document), std::move(*images), s);
      },
      [this](chunked_document& chunked) {
        result_.chunks = std::move(chunked.chunks);
        result_.images = std::move(chunked.images);
        observe("chunking", stage_started_);
        next_chunk_ = 0;
        enter(stage::embedding);
        embed_next_slice();
      });
}

}  // namespace millrace
