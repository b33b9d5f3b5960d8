// Every message of the engine: a struct named after what happens, with its fields. Registered in
// one type-ID block (one that is not registered would arrive as an empty message). Atoms are for
// timers only.
//
// No message carries a float: an infinite one hangs CAF's serializer, NaN becomes 1.0. Vectors
// travel as bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/cluster_messages.hpp"
#include "actors/compute_messages.hpp"
#include "actors/ledger_messages.hpp"
#include "runtime/checkpoints/checkpoint_store.hpp"
#include "runtime/cluster/leadership.hpp"
#include "runtime/commit/group_commit.hpp"
#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"
#include "runtime/core/scratch_file.hpp"
#include "runtime/embedding/batcher.hpp"
#include "runtime/extraction/extractor_pool.hpp"
#include "runtime/flow/grant_book.hpp"
#include "runtime/queue/lease.hpp"
#include "runtime/queue/queue.hpp"

namespace millrace {

// Queue puller ⇄ document
// -------------------------------------------------------------------------------------

/// The number of the lease that a document actor would take next, growing with each; its earlier
/// one has ended or is with the committer. One that is not idle asks for none: it only makes itself
/// known to a puller that is new to it, or takes an earlier demand back.
struct grant_demand {
  std::uint64_t lease = 0;
  bool idle = true;
  std::string node = {};  ///< Of the document actor.
};

struct deliver_lease {
  lease work;
};

struct lease_accepted {};

/// The holder gives a lease back: nothing of it was committed.
struct return_lease {
  std::int64_t token = 0;
  release_reason reason = release_reason::drained;
  std::uint64_t delay_ms = 0;  ///< Not claimed again before.
  /// The other node that has the document's file and is away; empty: it waits for none.
  std::string waits_for = {};
};

/// All nodes whose files can be had now: those that are linked and offer them, and this one.
struct sources_here {
  std::vector<std::string> nodes;
};

/// The document is alive: its lease may have its whole time again.
struct extend_lease {
  std::int64_t token = 0;
};

/// These leases have ended: committed, or found stale.
struct leases_ended {
  std::vector<std::int64_t> tokens;
};

/// These were accepted by the committer and could not be committed: they go back to the queue.
struct leases_abandoned {
  std::vector<std::int64_t> tokens;
  release_reason reason = release_reason::drained;
  std::uint64_t delay_ms = 0;
};

/// No claims until `milliseconds` have passed or claims are resumed; why, as a sentence.
struct pause_claims {
  std::string reason;
  std::uint64_t milliseconds = 0;
};

struct holder_died {
  std::uint64_t actor_id = 0;
  bool committer = false;  ///< Else a document actor.
  std::string node = {};   ///< Of it; empty: the puller's own.
};

/// What a drain has left to do.
struct drain_progress {
  std::uint64_t in_flight = 0;  ///< With document actors or the committer.
  std::uint64_t released = 0;   ///< Given back so far.
  bool paused = false;
  std::string pause_reason;
};

// Demand: embedder and committer grant, documents ask
// -----------------------------------------------------------

/// `total`: all this producer has sent to the receiver, plus what it wants to send now.
struct ask_grant {
  demand total;
};

struct granted {
  demand total;
};

/// This producer sends no more: what it was granted and did not use is free. Its totals begin anew.
struct demand_ended {};

// Document ⇄ image, embedder, committer
// ---------------------------------------------------------------------------

/// To the image desk of this node, and from it to an image actor.
struct describe_image {
  image_record image;
  std::uint32_t occurrences = 1;  ///< In its document.
  std::int64_t dataset_id = 0;
  std::string path;      ///< Of the document.
  file_version version;  ///< Of the document's file where it was submitted.
  std::shared_ptr<scratch_file> fetched = nullptr;  ///< What `path` names, where it was fetched.
  std::int64_t document_id = 0;
  std::string uri = {};  ///< Of the document: how another node finds it.
  /// Shared by the images of a document; says whether a process works on one of them.
  std::shared_ptr<extraction_progress> progress = nullptr;
};

/// From one node's image desk to another's. Its bytes are read out of the document's file.
struct describe_distant_image {
  image_record image;
  std::uint32_t occurrences = 1;
  std::int64_t dataset_id = 0;
  std::int64_t document_id = 0;
  std::string uri;
  file_version version;  ///< Of the document's file.
};

struct image_described {
  image_record image;  ///< With what was read in it.
  bool kept = false;
  ec problem = ec::none;  ///< Why it could not be read; the document continues without it.
};

struct embed_chunks {
  std::vector<std::string> texts;
  std::uint64_t bytes = 0;  ///< Of the texts; what was granted.
};

struct chunks_embedded {
  std::vector<embedding_bytes> embeddings;
};

struct commit_document {
  document_result outcome;
  std::uint64_t bytes = 0;
};

/// The committer answers for this document from here on.
struct document_accepted {};

// Local results of runtime threads
// ----------------------------------------------------------------------------------

struct document_extracted {
  std::int64_t token = 0;
  std::shared_ptr<result<extracted_document>> outcome;
};

struct pages_extracted {
  std::int64_t token = 0;
  std::shared_ptr<finished_pages> pages;
};

/// Another node's file, a file of this one for as long as somebody holds it.
struct file_fetched {
  std::shared_ptr<scratch_file> file;
  file_version version;  ///< Of the file that it is a copy of.
};

struct image_read {
  std::uint64_t number = 0;  ///< Of the image actor's questions.
  std::shared_ptr<result<std::string>> text;
};

struct checkpoints_loaded {
  std::int64_t token = 0;
  std::shared_ptr<saved_pieces> pieces;
};

struct batch_embedded {
  std::uint64_t batch = 0;
  std::shared_ptr<result<embedding_results>> outcome;
};

struct group_written {
  std::shared_ptr<result<group_report>> outcome;
};

// Status
// -----------------------------------------------------------------------------------------------------------------

struct dataset_change {
  std::int64_t dataset_id = 0;
  std::uint64_t documents = 0;  ///< Ended in this commit.
};

struct progress_changed {
  std::vector<dataset_change> datasets;
};

struct status_counters {
  std::uint64_t changes = 0;
  std::uint64_t updates = 0;
  std::uint64_t active = 0;
};

// Supervision
// --------------------------------------------------------------------------------------------------------------

/// Who does what for this node, whenever that changes. Defined in actors.hpp.
struct use_roles;
struct use_image_roles;

/// What a node offers to the others, and what the others offer to this one. Defined in actors.hpp.
struct node_offer;
struct offer_changed;
struct peers_changed;

/// Restart the child of this slot.
struct restart_child {
  std::uint64_t slot = 0;
};

/// This node leads the role from now on, or no longer does (epoch 0).
struct leadership_changed {
  leader_term term;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, lease& x) {
  return f(caf::meta::type_name("millrace::lease"), x.token, x.document_id, x.dataset_id,
           x.failures, x.losses, x.size, x.uri, x.has_checkpoints);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, demand& x) {
  return f(caf::meta::type_name("millrace::demand"), x.items, x.bytes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, image_info& x) {
  return f(caf::meta::type_name("millrace::image_info"), x.sha256, x.mime, x.width, x.height,
           x.size, x.source);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, image_record& x) {
  return f(caf::meta::type_name("millrace::image_record"), x.page, x.info, x.text);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chunk& x) {
  return f(caf::meta::type_name("millrace::chunk"), x.text, x.heading_path, x.page_from, x.page_to,
           x.tokens);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, embedding_store& x) {
  auto values = x.all();
  auto take = [&]() -> caf::error {
    x.clear();
    for (auto& v : values) x.push_back(std::move(v));
    return caf::none;
  };
  return f(caf::meta::type_name("millrace::embedding_store"), values,
           caf::meta::load_callback(take));
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, document_result& x) {
  return f(caf::meta::type_name("millrace::document_result"), x.token, x.document_id, x.dataset_id,
           x.failures, x.losses, x.failure, x.failure_message, x.warning.code, x.warning.message,
           x.dead_letter, x.mime, x.sha256, x.size, x.pages, x.options, x.chunks, x.embeddings,
           x.images);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, grant_demand& x) {
  return f(caf::meta::type_name("millrace::grant_demand"), x.lease, x.idle, x.node);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, deliver_lease& x) {
  return f(caf::meta::type_name("millrace::deliver_lease"), x.work);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, lease_accepted&) {
  return f(caf::meta::type_name("millrace::lease_accepted"));
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, restart_child& x) {
  return f(caf::meta::type_name("millrace::restart_child"), x.slot);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, return_lease& x) {
  return f(caf::meta::type_name("millrace::return_lease"), x.token, x.reason, x.delay_ms,
           x.waits_for);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, sources_here& x) {
  return f(caf::meta::type_name("millrace::sources_here"), x.nodes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, extend_lease& x) {
  return f(caf::meta::type_name("millrace::extend_lease"), x.token);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leases_ended& x) {
  return f(caf::meta::type_name("millrace::leases_ended"), x.tokens);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leases_abandoned& x) {
  return f(caf::meta::type_name("millrace::leases_abandoned"), x.tokens, x.reason, x.delay_ms);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, pause_claims& x) {
  return f(caf::meta::type_name("millrace::pause_claims"), x.reason, x.milliseconds);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, holder_died& x) {
  return f(caf::meta::type_name("millrace::holder_died"), x.actor_id, x.committer, x.node);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, drain_progress& x) {
  return f(caf::meta::type_name("millrace::drain_progress"), x.in_flight, x.released, x.paused,
           x.pause_reason);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, ask_grant& x) {
  return f(caf::meta::type_name("millrace::ask_grant"), x.total);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, granted& x) {
  return f(caf::meta::type_name("millrace::granted"), x.total);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, demand_ended&) {
  return f(caf::meta::type_name("millrace::demand_ended"));
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, describe_distant_image& x) {
  return f(caf::meta::type_name("millrace::describe_distant_image"), x.image, x.occurrences,
           x.dataset_id, x.document_id, x.uri, x.version);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, image_described& x) {
  return f(caf::meta::type_name("millrace::image_described"), x.image, x.kept, x.problem);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, embed_chunks& x) {
  return f(caf::meta::type_name("millrace::embed_chunks"), x.texts, x.bytes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chunks_embedded& x) {
  return f(caf::meta::type_name("millrace::chunks_embedded"), x.embeddings);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, commit_document& x) {
  return f(caf::meta::type_name("millrace::commit_document"), x.outcome, x.bytes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, document_accepted&) {
  return f(caf::meta::type_name("millrace::document_accepted"));
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, dataset_change& x) {
  return f(caf::meta::type_name("millrace::dataset_change"), x.dataset_id, x.documents);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, progress_changed& x) {
  return f(caf::meta::type_name("millrace::progress_changed"), x.datasets);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, status_counters& x) {
  return f(caf::meta::type_name("millrace::status_counters"), x.changes, x.updates, x.active);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leader_term& x) {
  return f(caf::meta::type_name("millrace::leader_term"), x.role, x.node, x.incarnation, x.epoch);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, leadership_changed& x) {
  return f(caf::meta::type_name("millrace::leadership_changed"), x.term);
}

}  // namespace millrace

// Results of runtime threads never leave the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::document_extracted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::pages_extracted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::image_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::checkpoints_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::batch_embedded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::group_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::describe_image)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::file_fetched)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::use_roles)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::use_image_roles)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::offer_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(millrace::peers_changed)

CAF_BEGIN_TYPE_ID_BLOCK(millrace, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(millrace, (millrace::ec))
CAF_ADD_TYPE_ID(millrace, (millrace::release_reason))
CAF_ADD_TYPE_ID(millrace, (millrace::lease))
CAF_ADD_TYPE_ID(millrace, (millrace::demand))
CAF_ADD_TYPE_ID(millrace, (millrace::image_info))
CAF_ADD_TYPE_ID(millrace, (millrace::image_record))
CAF_ADD_TYPE_ID(millrace, (millrace::file_version))
CAF_ADD_TYPE_ID(millrace, (millrace::chunk))
CAF_ADD_TYPE_ID(millrace, (millrace::document_result))
CAF_ADD_TYPE_ID(millrace, (millrace::grant_demand))
CAF_ADD_TYPE_ID(millrace, (millrace::deliver_lease))
CAF_ADD_TYPE_ID(millrace, (millrace::lease_accepted))
CAF_ADD_TYPE_ID(millrace, (millrace::return_lease))
CAF_ADD_TYPE_ID(millrace, (millrace::sources_here))
CAF_ADD_TYPE_ID(millrace, (millrace::extend_lease))
CAF_ADD_TYPE_ID(millrace, (millrace::use_roles))
CAF_ADD_TYPE_ID(millrace, (millrace::use_image_roles))
CAF_ADD_TYPE_ID(millrace, (millrace::restart_child))
CAF_ADD_TYPE_ID(millrace, (millrace::leases_ended))
CAF_ADD_TYPE_ID(millrace, (millrace::leases_abandoned))
CAF_ADD_TYPE_ID(millrace, (millrace::pause_claims))
CAF_ADD_TYPE_ID(millrace, (millrace::holder_died))
CAF_ADD_TYPE_ID(millrace, (millrace::drain_progress))
CAF_ADD_TYPE_ID(millrace, (millrace::ask_grant))
CAF_ADD_TYPE_ID(millrace, (millrace::granted))
CAF_ADD_TYPE_ID(millrace, (millrace::demand_ended))
CAF_ADD_TYPE_ID(millrace, (millrace::describe_distant_image))
CAF_ADD_TYPE_ID(millrace, (millrace::describe_image))
CAF_ADD_TYPE_ID(millrace, (millrace::image_described))
CAF_ADD_TYPE_ID(millrace, (millrace::embed_chunks))
CAF_ADD_TYPE_ID(millrace, (millrace::chunks_embedded))
CAF_ADD_TYPE_ID(millrace, (millrace::commit_document))
CAF_ADD_TYPE_ID(millrace, (millrace::document_accepted))
CAF_ADD_TYPE_ID(millrace, (millrace::document_extracted))
CAF_ADD_TYPE_ID(millrace, (millrace::pages_extracted))
CAF_ADD_TYPE_ID(millrace, (millrace::image_read))
CAF_ADD_TYPE_ID(millrace, (millrace::checkpoints_loaded))
CAF_ADD_TYPE_ID(millrace, (millrace::batch_embedded))
CAF_ADD_TYPE_ID(millrace, (millrace::work_computed))
CAF_ADD_TYPE_ID(millrace, (millrace::group_written))
CAF_ADD_TYPE_ID(millrace, (millrace::dataset_change))
CAF_ADD_TYPE_ID(millrace, (millrace::progress_changed))
CAF_ADD_TYPE_ID(millrace, (millrace::status_counters))
CAF_ADD_TYPE_ID(millrace, (millrace::leader_term))
CAF_ADD_TYPE_ID(millrace, (millrace::leadership_changed))
CAF_ADD_TYPE_ID(millrace, (millrace::node_superseded))
CAF_ADD_TYPE_ID(millrace, (millrace::ledger::receipt))
CAF_ADD_TYPE_ID(millrace, (millrace::ledger::deduction))
CAF_ADD_TYPE_ID(millrace, (millrace::ledger::grant_order))
CAF_ADD_TYPE_ID(millrace, (millrace::ledger::refund_order))
CAF_ADD_TYPE_ID(millrace, (millrace::deduct_credits))
CAF_ADD_TYPE_ID(millrace, (millrace::grant_credits))
CAF_ADD_TYPE_ID(millrace, (millrace::refund_credits))
CAF_ADD_TYPE_ID(millrace, (millrace::node_row))
CAF_ADD_TYPE_ID(millrace, (millrace::node_hello))
CAF_ADD_TYPE_ID(millrace, (millrace::gate_dialled))
CAF_ADD_TYPE_ID(millrace, (millrace::nodes_seen))
CAF_ADD_TYPE_ID(millrace, (millrace::suspects_changed))
CAF_ADD_TYPE_ID(millrace, (millrace::node_topic))
CAF_ADD_TYPE_ID(millrace, (millrace::node_question))
CAF_ADD_TYPE_ID(millrace, (millrace::node_answer))
CAF_ADD_TYPE_ID(millrace, (millrace::ask_nodes))
CAF_ADD_TYPE_ID(millrace, (millrace::nodes_answered))
CAF_ADD_TYPE_ID(millrace, (millrace::node_offer))
CAF_ADD_TYPE_ID(millrace, (millrace::offer_changed))
CAF_ADD_TYPE_ID(millrace, (millrace::peers_changed))
CAF_ADD_TYPE_ID(millrace, (millrace::read_file))
CAF_ADD_TYPE_ID(millrace, (millrace::file_piece))
CAF_ADD_TYPE_ID(millrace, (millrace::fetch_file))
CAF_ADD_TYPE_ID(millrace, (millrace::file_fetched))
CAF_ADD_TYPE_ID(millrace, (std::vector<std::string>))
CAF_ADD_TYPE_ID(millrace, (std::vector<std::int64_t>))
CAF_ADD_TYPE_ID(millrace, (std::vector<millrace::chunk>))
CAF_ADD_TYPE_ID(millrace, (std::vector<millrace::image_record>))
CAF_ADD_TYPE_ID(millrace, (std::vector<millrace::dataset_change>))
CAF_ADD_ATOM(millrace, millrace, wake_atom, "wake")
CAF_ADD_ATOM(millrace, millrace, tick_atom, "tick")
CAF_ADD_ATOM(millrace, millrace, flush_atom, "flush")
CAF_ADD_ATOM(millrace, millrace, resume_atom, "resume")
CAF_ADD_ATOM(millrace, millrace, drain_atom, "drain")
CAF_ADD_ATOM(millrace, millrace, progress_atom, "progress")
CAF_ADD_ATOM(millrace, millrace, give_back_atom, "give back")
CAF_END_TYPE_ID_BLOCK(millrace)

// Errors travel as caf::error(ec, message).
CAF_ERROR_CODE_ENUM(millrace::ec, "millrace")
