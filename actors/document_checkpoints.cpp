// What a document actor leaves behind for its document's next holder, and takes over from the one
// before.
#include "actors/document.hpp"
#include "runtime/checkpoints/segment.hpp"

namespace millrace {

void document_actor_impl::load_checkpoints() {
  auto self = caf::actor_cast<document_actor>(this);
  config_.checkpoints.load(
      {work_.document_id, path_, result_.options, config_.model},
      [self, token = work_.token](saved_pieces pieces) {
        caf::anon_send(
            self, checkpoints_loaded{token, std::make_shared<saved_pieces>(std::move(pieces))});
      });
}

void document_actor_impl::on_checkpoints(checkpoints_loaded& message) {
  if (stage_ != stage::extracting || message.token != work_.token) return;  // given back meanwhile
  restored_ = std::move(*message.pieces);
  if (!restored_.extraction.document) return extract();
  take_extracted(*std::exchange(restored_.extraction.document, std::nullopt));
}

/// Whether what was read now continues what an earlier holder had read. If the source was changed
/// in between, what was skipped must be read as well.
bool document_actor_impl::is_continued_by(const extracted_document& document) const {
  return document.skipped_pages == restored_.extraction.pages &&
         restored_.key == checkpoint_key(document.sha256, result_.options, config_.model);
}

/// As if nothing had been restored.
void document_actor_impl::begin_pieces() {
  saved_pages_ = 0;
  next_piece_ = 0;
}

void document_actor_impl::on_pages(pages_extracted& message) {
  if (stage_ != stage::extracting || message.token != work_.token) return;  // given back meanwhile
  const auto& pages = *message.pages;
  if (saved_elements_ == 0 && pages.first == 0) begin_pieces();  // none skipped
  if (pages.first != saved_pages_) return;                       // of a second try within the pool
  ++steps_;
  result_.sha256 = pages.sha256;
  save(piece_kind::pages, next_piece_++, encode_pages(pages));
  saved_elements_ += pages.elements.size();
  saved_pages_ = pages.end;
}

/// Moves on over what was embedded by an earlier holder.
void document_actor_impl::take_restored() {
  auto& pieces = restored_.embeddings;
  for (auto piece = pieces.find(next_chunk_);
       piece != pieces.end() && !piece->second.empty() &&
       next_chunk_ + piece->second.size() <= result_.chunks.size();
       piece = pieces.find(next_chunk_)) {
    next_chunk_ += piece->second.size();
    for (auto& e : piece->second) result_.embeddings.push_back(std::move(e));
    pieces.erase(piece);
  }
}

void document_actor_impl::save(piece_kind kind, std::size_t number, std::string content) {
  ++saved_pieces_count_;
  config_.checkpoints.save({work_.token, work_.document_id,
                            checkpoint_key(result_.sha256, result_.options, config_.model), kind,
                            number, std::move(content)});
}

/// What was not saved while it was read: if something was, or if it took long.
bool document_actor_impl::rest_is_worth_saving(const extracted_document& document) const {
  const bool begun = next_piece_ > 0;
  return config_.checkpoints.save &&
         (begun || document.reading_time >= expensive_reading || document.pages >= expensive_pages);
}

/// Where there are many, or where they take long: as soon as there is a segment of them, and what
/// is left at the end.
void document_actor_impl::save_image(const image_described& described) {
  if (!config_.checkpoints.save) return;
  unsaved_images_.push_back({described.image, described.kept});
  const bool many = images_before_ + images_.size() > images_in_checkpoint;
  const bool slow = clock::now() - images_saved_at_ >= expensive_reading;
  const bool last = image_answers_ == images_.size();
  if (!slow && !(many && (last || unsaved_images_.size() >= images_in_checkpoint))) return;
  save(piece_kind::images, images_before_ + image_answers_ - unsaved_images_.size(),
       encode_images(unsaved_images_));
  unsaved_images_.clear();
  images_saved_at_ = clock::now();
}

/// Of the slice that begins at next_chunk_; not of the last one, which is committed next.
void document_actor_impl::save_embeddings(const std::vector<embedding_bytes>& embeddings) {
  if (!config_.checkpoints.save || !config_.checkpoints.embeddings ||
      next_chunk_ + embeddings.size() == result_.chunks.size())
    return;
  save(piece_kind::embeddings, next_chunk_, encode_embeddings(embeddings));
}

}  // namespace millrace
