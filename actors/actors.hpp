// The map: every actor's interface, one line a message. `replies_to` messages are requests: they
// count against the receiver's mailbox limit and are answered on every path. `reacts_to` messages
// are small and need no answer.
#pragma once

#include <vector>

#include "actors/messages.hpp"

namespace millrace {

/// Claims leases that document actors of this node or others asked for, renews, returns and
/// releases them. Detached: it runs SQL.
using queue_puller_actor =
    caf::typed_actor<caf::reacts_to<grant_demand>,      // a document actor takes one more
                     caf::reacts_to<return_lease>,      // …or gives one back
                     caf::reacts_to<extend_lease>,      // …or shows that it moves on
                     caf::reacts_to<sources_here>,      // what waited for a new one may go on
                     caf::reacts_to<leases_ended>,      // committed, or found stale
                     caf::reacts_to<leases_abandoned>,  // accepted, but cannot be committed
                     caf::reacts_to<holder_died>,       // release what it held
                     caf::reacts_to<pause_claims>,      // the embedder's provider refuses
                     caf::reacts_to<resume_atom>,       // …and works again
                     caf::reacts_to<wake_atom>,         // something was submitted
                     caf::reacts_to<flush_atom>,        // claim and release now (its own timer)
                     caf::reacts_to<tick_atom>,         // poll (its own timer)
                     caf::replies_to<drain_atom>::with<drain_progress>,  // claim no more, release
                                                                         // what is not delivered
                     caf::reacts_to<give_back_atom>,  // …and what other nodes' documents carry
                     caf::replies_to<progress_atom>::with<drain_progress>>;  // how much is in
                                                                             // flight

/// Carries one document from lease to the committer's acceptance.
using document_actor = caf::typed_actor<
    caf::replies_to<deliver_lease>::with<lease_accepted>,  // the one document it asked for
    caf::reacts_to<document_extracted>,                    // the extractor pool's answer
    caf::reacts_to<pages_extracted>,                       // …and what it has finished before
    caf::reacts_to<checkpoints_loaded>,                    // what an earlier holder had finished
    caf::reacts_to<work_computed>,                         // the compute pool's answer
    caf::reacts_to<use_roles>,    // start, or repeat what a dead actor did not answer
    caf::reacts_to<tick_atom>,    // is the deadline over? (its own timer)
    caf::reacts_to<drain_atom>>;  // give back what you carry

/// One image at a time: filter decoration, read the rest.
using image_actor =
    caf::typed_actor<caf::replies_to<describe_image>::with<image_described>,  // kept or not, and
                                                                              // what it says
                     caf::reacts_to<image_read>>;  // the extractor pool's answer

/// Hands images to idle image actors of this node and, when all are at work, to other nodes' desks
/// within their grants.
using image_desk_actor =
    caf::typed_actor<caf::replies_to<describe_image>::with<image_described>,  // a document of this
                                                                              // node has an image
                     caf::replies_to<ask_grant>::with<granted>,  // another node's desk has;
                                                                 // answered when there is room
                     caf::replies_to<describe_distant_image>::with<image_described>,  // …within
                                                                                      // the grant
                     caf::reacts_to<demand_ended>,     // …and needs it no longer
                     caf::reacts_to<use_image_roles>,  // who works for it
                     caf::reacts_to<tick_atom>>;       // who waits too long (its own timer)

/// Embeds the chunks of many documents in batches.
using embedder_actor =
    caf::typed_actor<caf::replies_to<ask_grant>::with<granted>,  // answered when there is room
                     caf::reacts_to<demand_ended>,  // a document actor asks another one from now on
                     caf::replies_to<embed_chunks>::with<chunks_embedded>,  // within the grant
                     caf::reacts_to<batch_embedded>,                        // the provider's answer
                     caf::reacts_to<flush_atom, std::uint64_t>,  // send a batch that is not full
                                                                 // (its own timer)
                     caf::reacts_to<use_roles>>;  // whom to tell that the provider refuses

/// Commits the results of many documents in one transaction.
using committer_actor = caf::typed_actor<
    caf::replies_to<ask_grant>::with<granted>,                  // answered when there is room
    caf::replies_to<commit_document>::with<document_accepted>,  // from here on the committer's
    caf::reacts_to<group_written>,                              // the writer thread's answer
    caf::reacts_to<flush_atom>,  // behind all that is in the mailbox: write a group
    caf::reacts_to<tick_atom>,   // it has gathered long enough (its own timer)
    caf::reacts_to<use_roles>>;  // whom to tell that leases ended

/// Moves credits. One a cluster; detached: it runs SQL.
using ledger_actor = caf::typed_actor<
    caf::replies_to<deduct_credits>::with<ledger::receipt>,  // a batch in one transaction
    caf::replies_to<refund_credits>::with<ledger::receipt>,  // by transaction and count
    caf::replies_to<grant_credits>::with<ledger::receipt>>;  // to an account, new or not

/// Sums progress and writes datasets' rows, debounced. One a cluster; detached: it runs SQL.
using status_aggregator_actor = caf::typed_actor<
    caf::reacts_to<progress_changed>,                         // a group was committed
    caf::reacts_to<flush_atom, std::int64_t, std::uint64_t>,  // a dataset's debounce timer, with
                                                              // its generation
    caf::reacts_to<tick_atom>,  // sweep for terminal states (its own timer)
    caf::replies_to<progress_atom>::with<status_counters>>;  // changes against updates

/// Keeps the node's row alive, holds leaderships, reaps dead holders' leases. Detached: it runs
/// SQL.
using membership_actor =
    caf::typed_actor<caf::reacts_to<tick_atom>,         // heartbeat (its own timer)
                     caf::reacts_to<suspects_changed>,  // to whom the link is lost
                     caf::reacts_to<drain_atom>>;       // the node is leaving

/// Reads files of this node for others. Detached: it reads disks and asks the database whether a
/// file was submitted.
using file_reader_actor = caf::typed_actor<caf::replies_to<read_file>::with<file_piece>>;

/// Brings files of other nodes. Detached: it writes them to scratch files.
using file_fetcher_actor =
    caf::typed_actor<caf::replies_to<fetch_file>::with<file_fetched>,  // held by whoever asked
                     caf::reacts_to<peers_changed>,               // where the others' readers are
                     caf::reacts_to<flush_atom, std::uint64_t>>;  // somebody holds a file no longer

/// The links to the other nodes: makes them, says what is lost, passes on what each offers.
using peers_actor =
    caf::typed_actor<caf::replies_to<node_hello>::with<node_hello>,  // another node makes a link
                     caf::reacts_to<node_offer>,                     // what another node offers now
                     caf::reacts_to<offer_changed>,                  // what this one does
                     caf::reacts_to<nodes_seen>,    // who is there, by the database
                     caf::reacts_to<gate_dialled>,  // how a dial ended
                     caf::replies_to<node_question>::with<node_answer>,  // another node's API asks
                     caf::replies_to<ask_nodes>::with<nodes_answered>>;  // this one's does

/// What a node publishes on the port of the links: whoever dials can say hello and nothing else.
using gate_actor = caf::typed_actor<caf::replies_to<node_hello>::with<node_hello>>;

/// Starts the node's actors, restarts the dead, drains.
using supervisor_actor = caf::typed_actor<
    caf::reacts_to<restart_child>,                     // after a backoff (its own timer)
    caf::reacts_to<leadership_changed>,                // start or end a singleton
    caf::reacts_to<node_superseded>,                   // end this node
    caf::reacts_to<wake_atom>,                         // something was submitted: tell the puller
    caf::reacts_to<nodes_seen>,                        // who else is there: for peers
    caf::reacts_to<suspects_changed>,                  // to whom the link is lost: for membership
    caf::reacts_to<peers_changed>,                     // what other nodes offer
    caf::replies_to<node_hello>::with<node_hello>,     // from the gate; delegated to peers
    caf::replies_to<ask_nodes>::with<nodes_answered>,  // delegated to peers
    caf::replies_to<deduct_credits>::with<ledger::receipt>,  // delegated to the ledger's leader
    caf::replies_to<refund_credits>::with<ledger::receipt>,
    caf::replies_to<grant_credits>::with<ledger::receipt>,
    caf::reacts_to<tick_atom>,  // which orders wait too long (its own timer)
    caf::replies_to<progress_atom>::with<drain_progress>,  // how much is in flight
    caf::replies_to<drain_atom>::with<drain_progress>,  // no new work; ask progress until it is 0
    caf::reacts_to<give_back_atom>>;  // drain is over time: documents give back what they carry

/// What a node does for others; null where it does not have the role, does not lead it or drains.
struct node_offer {
  std::string node;
  std::int64_t incarnation = 0;
  ledger_actor ledger;
  std::int64_t ledger_epoch = 0;
  status_aggregator_actor status;
  std::int64_t status_epoch = 0;
  file_reader_actor files;
  queue_puller_actor puller;
  embedder_actor embedder;
  image_desk_actor images;
  bool needs_embedder = false;  ///< It has documents, and no embedder.
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_offer& x) {
  return f(caf::meta::type_name("millrace::node_offer"), x.node, x.incarnation, x.ledger,
           x.ledger_epoch, x.status, x.status_epoch, x.files, x.puller, x.embedder, x.images,
           x.needs_embedder);
}

/// Supervisor → peers.
struct offer_changed {
  node_offer offer;
};

/// Peers → supervisor: of every linked node.
struct peers_changed {
  std::vector<node_offer> offers;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, offer_changed& x) {
  return f(caf::meta::type_name("millrace::offer_changed"), x.offer);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, peers_changed& x) {
  return f(caf::meta::type_name("millrace::peers_changed"), x.offers);
}

/// Handles are of this node where it has the role, else of another; null while nobody has.
struct use_roles {
  queue_puller_actor puller;
  embedder_actor embedder;
  committer_actor committer;  ///< Of this node.
  status_aggregator_actor status;
  file_fetcher_actor files;  ///< Of this node; null where it has no link.
  image_desk_actor images;   ///< Of this node.
  /// Other nodes' pullers that pause when this node's embedder is refused.
  std::vector<queue_puller_actor> dependents;
  bool draining = false;  ///< Documents take no more leases.
};

/// To the image desk.
struct use_image_roles {
  std::vector<image_actor> workers;  ///< Of this node.
  std::vector<image_desk_actor> others;
  file_fetcher_actor files;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, use_roles& x) {
  return f(caf::meta::type_name("millrace::use_roles"), x.puller, x.embedder, x.committer, x.status,
           x.files, x.images, x.dependents, x.draining);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, use_image_roles& x) {
  return f(caf::meta::type_name("millrace::use_image_roles"), x.workers, x.others, x.files);
}

}  // namespace millrace
