// The document actor: carries one document at a time from its lease to the committer's acceptance:
//
//   fetch (from its node, where the file lies elsewhere) → extract (pool of processes) → images
//   (image actors) → chunk (if large: compute pool) → embed (slices, within grants) → hand over
//   (within a grant) → ask for the next lease
//
// Scheduled; never blocks, except when it writes a slice of a document beyond `spill` to the
// scratch file. Holds one document. Errors of all stages are judged in one place
// (attempt_policy.hpp): the document ends failed, is tried again later, or goes back as it was.
// Puller, embedder and image actors may belong to other nodes. A question that is repeated because
// the actor that was asked is gone gets a new number; late answers to the old one are ignored.
// Expensive results are checkpointed (slow extractions, many images, more than one slice of
// embeddings), and a new holder continues after them. Progress (a page, an image, a slice) extends
// the lease. If the embedder or the committer is restarted, unanswered questions are asked again.
#pragma once

#include <map>

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "runtime/checkpoints/checkpoint_thread.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/queue/lease_book.hpp"
#include "runtime/telemetry/metrics.hpp"
#include "runtime/threads/compute_pool.hpp"

namespace millrace {

/// Reads a document; answers from any thread. The seam to extractor_pool.
using extract_document = std::function<void(extraction_request, extraction_callback)>;

/// Keeps and finds finished pieces; both return at once. The seam to checkpoint_thread; empty where
/// none are kept.
struct keep_checkpoints {
  std::function<void(checkpoint_order)> save;
  std::function<void(checkpoint_source, checkpoint_thread::loaded)> load;
  bool embeddings = true;  ///< False where embedding is cheaper than saving.
};

/// Runs a job on `bytes` of a document elsewhere; false, and the job untouched, if too much waits.
/// The seam to compute_pool::try_run.
using start_computing = std::function<bool(std::uint64_t bytes, compute_pool::job&)>;

struct document_config {
  extract_document extract;
  chunking_settings chunking;
  queue_settings queue;
  std::string options;    ///< document_options() of the node's settings.
  std::string node = {};  ///< This one: its files need no fetching.
  duration deadline = std::chrono::hours{2};
  std::shared_ptr<metrics> counters;
  std::shared_ptr<lease_book> book = nullptr;  ///< Where a lease goes back, puller or not.
  keep_checkpoints checkpoints;
  std::string model;  ///< What embeds, with its dimensions: a checkpoint is of one.
  /// Bytes of a document's embeddings that stay in memory.
  std::size_t spill = embedding_store::default_memory;
  start_computing compute = nullptr;  ///< Empty: everything is computed in the actor.
};

/// The images of a document, each distinct one once, at its first place.
struct distinct_images {
  std::vector<image_record> images;
  std::map<std::string, std::uint32_t> occurrences;  ///< By sha256.
};

class document_actor_impl : public bounded_actor<document_actor> {
 public:
  /// Chunks in one request to the embedder, and image requests in flight, of one document.
  static constexpr std::size_t slice_chunks = 256;
  static constexpr std::size_t slice_bytes = 1U << 20;
  static constexpr std::size_t images_in_flight = images_of_a_document;
  /// What is worth a checkpoint: an extraction that took so long or has so many pages, so many
  /// images, more chunks than a slice. Less is done again faster than saved and found.
  static constexpr auto expensive_reading = std::chrono::seconds{5};
  static constexpr std::uint32_t expensive_pages = 500;
  static constexpr std::size_t images_in_checkpoint = 64;
  /// Another node's embedder answers within this, or the document goes back.
  static constexpr auto answer_limit = std::chrono::minutes{5};
  /// Until a full compute pool is asked again.
  static constexpr auto compute_pause = std::chrono::milliseconds{20};
  /// How often a document looks at its deadline and whether it moved; oftener where
  /// queue.visibility_timeout is short.
  static constexpr auto longest_tick = std::chrono::seconds{30};

  document_actor_impl(caf::actor_config& config, actor_place place, document_config s);
  behavior_type make_behavior() override;
  /// Releases the handles of other actors: two ended actors would keep each other alive.
  void on_exit() override {
    roles_ = {};
    computation_job_ = nullptr;
  }

 private:
  enum class stage : std::uint8_t { idle, extracting, describing, embedding, committing };

  void on_roles(const use_roles& roles);
  bool may_demand() const;
  void on_tick();
  bool lacks_embedder() const;
  bool waits_for_extractor() const;
  error over_deadline() const;
  void demand_lease();
  void greet_puller();
  void begin(lease work);
  void find_source();
  void read_source();
  void extract();
  bool is_continued_by(const extracted_document& document) const;
  void on_pages(pages_extracted& message);
  void on_extracted(document_extracted& message);
  void continue_extracted(extracted_document document);
  void take_extracted(extracted_document document, std::vector<element> before = {});
  void take_images(distinct_images found);
  void describe_images();
  void on_image(image_described& described);
  void chunk();
  template <class Value>
  void compute(std::uint64_t bytes, std::function<Value()> work, std::function<void(Value&)> then);
  void start_computation();
  void on_computed(work_computed& message);
  void load_checkpoints();
  void on_checkpoints(checkpoints_loaded& message);
  void take_restored();
  void save(piece_kind kind, std::size_t number, std::string content);
  void begin_pieces();
  bool rest_is_worth_saving(const extracted_document& document) const;
  void save_image(const image_described& described);
  void save_embeddings(const std::vector<embedding_bytes>& embeddings);
  void embed_next_slice();
  void send_slice(std::size_t count, std::uint64_t bytes);
  void on_embedded(chunks_embedded& answer);
  void hand_over();
  void send_result();
  void conclude(const error& problem);
  void end_failed(const error& problem, bool dead_letter);
  void give_back(release_reason reason, duration delay = duration{0}, std::string waits_for = {});
  std::string other_node_with_the_file() const;
  void become_idle();
  void go_on();
  void enter(stage next);
  void observe(const char* what, clock::time_point since) const;
  template <class Handle>
  void ask_grant_of(const Handle& consumer, demand& sent, std::uint64_t bytes,
                    std::function<void()> then);
  bool is_current(stage asked_in, std::int64_t token, std::uint64_t question) const;
  void on_unanswered(const caf::error& e);

  document_config config_;
  use_roles roles_;
  stage stage_ = stage::idle;
  std::uint64_t demanded_ = 0;  ///< The last lease that was asked for.
  std::uint64_t question_ = 0;  ///< Of this actor to embedder or committer; one at a time.
  lease work_;
  std::string path_;                       ///< Of the document's file.
  std::shared_ptr<scratch_file> fetched_;  ///< The file, where it came from another node.
  file_version version_;                   ///< Of the file where it was submitted.
  document_result result_;
  std::vector<image_record> images_;
  std::size_t next_image_ = 0;
  std::size_t image_answers_ = 0;
  std::size_t next_chunk_ = 0;                        ///< First chunk without an embedding.
  std::map<std::string, std::uint32_t> occurrences_;  ///< Of each image, by sha256.
  saved_pieces restored_;          ///< What an earlier holder had finished and is not taken yet.
  std::size_t images_before_ = 0;  ///< Images that were restored.
  std::vector<described_image> unsaved_images_;
  clock::time_point images_saved_at_;
  extracted_document extracted_;
  /// Grows with each finished piece of the document, whatever the stage; pages are counted by the
  /// extractor's worker. What a tick finds unchanged has not moved.
  std::uint64_t steps_ = 0;
  std::shared_ptr<extraction_progress> progress_;
  std::shared_ptr<extraction_progress> image_progress_;  ///< Of the images in this node's pool.
  clock::duration worked_{0};   ///< Without the time in the extractor pool's queue.
  clock::duration stalled_{0};  ///< Since the last finished step, or since the pool's queue.
  std::size_t saved_pieces_count_ = 0;  ///< In this attempt.
  /// Of the extraction in this attempt: elements and pages that are saved already, and the number
  /// of the next piece.
  std::size_t saved_elements_ = 0;
  std::uint32_t saved_pages_ = 0;
  std::size_t next_piece_ = 0;
  std::uint32_t unread_images_ = 0;
  std::uint64_t steps_seen_ = 0;  ///< Steps and pages at the last tick.
  demand sent_to_embedder_;       ///< Cumulative, including what is being sent.
  demand sent_to_committer_;
  std::uint64_t computation_ = 0;  ///< Number of the last one.
  std::uint64_t computation_bytes_ = 0;
  compute_pool::job computation_job_;  ///< That a full pool has not taken yet.
  clock::time_point started_;
  clock::time_point stage_started_;
};

}  // namespace millrace
