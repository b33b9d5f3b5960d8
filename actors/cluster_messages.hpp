// Messages that make a cluster of nodes: who a node is, what the nodes' table says, questions from
// one node to another. Registered with the others in messages.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "runtime/cluster/node_question.hpp"
#include "runtime/cluster/node_registry.hpp"
#include "runtime/core/document.hpp"
#include "runtime/core/error.hpp"

namespace millrace {

/// Of the messages between nodes: grows with each change of one that travels. Nodes of different
/// protocols do not link.
constexpr int link_protocol = 5;

// Making a link
// ----------------------------------------------------------------------------------------------

/// What both sides of a link say of themselves first. Its layout is the same in every protocol, so
/// that any two versions can refuse each other in words.
struct node_hello {
  std::int32_t protocol = 0;
  std::string version;
  std::string cluster;
  std::string node;
  std::int64_t incarnation = 0;
  caf::strong_actor_ptr peers;  ///< Its peers actor.
};

/// How a dial ended.
struct gate_dialled {
  std::string node;
  std::int64_t incarnation = 0;
  caf::strong_actor_ptr gate;  ///< The other node's gate; null where it did not work.
  std::string problem;         ///< Then why, as a sentence.
};

// Membership ⇄ peers, by way of the supervisor
// ------------------------------------------------------------------

/// The other live nodes that have a link, as the table says.
struct nodes_seen {
  std::vector<node_row> nodes;
};

/// Nodes to which the link is lost. The database decides whether they are dead.
struct suspects_changed {
  std::vector<std::string> nodes;
};

// Questions about nodes
// --------------------------------------------------------------------------------------

struct node_question {
  node_topic topic = node_topic::actors;
};

/// To this node's peers actor: ask one node, or all where `node` is empty.
struct ask_nodes {
  std::string node;
  node_question question;
};

struct nodes_answered {
  std::vector<node_answer> answers;
};

// Files of other nodes
// ---------------------------------------------------------------------------------------

/// A piece of a document's file on the node that is asked. Only files of submitted documents are
/// read.
struct read_file {
  std::int64_t document_id = 0;
  std::string uri;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;  ///< At most max_piece.
  static constexpr std::uint32_t max_piece = 1U << 20;
};

struct file_piece {
  std::string bytes;     ///< Shorter than asked for: the file ends there.
  file_version version;  ///< Of the file now: pieces of one version only.
};

/// To this node's fetcher: bring the file of a document from its node.
struct fetch_file {
  std::int64_t document_id = 0;
  std::string uri;
  std::uint64_t size = 0;  ///< As submitted.
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, file_version& x) {
  return f(caf::meta::type_name("millrace::file_version"), x.size, x.changed);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_row& x) {
  return f(caf::meta::type_name("millrace::node_row"), x.name, x.incarnation, x.address, x.version,
           x.protocol);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_hello& x) {
  return f(caf::meta::type_name("millrace::node_hello"), x.protocol, x.version, x.cluster, x.node,
           x.incarnation, x.peers);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, gate_dialled& x) {
  return f(caf::meta::type_name("millrace::gate_dialled"), x.node, x.incarnation, x.gate,
           x.problem);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, nodes_seen& x) {
  return f(caf::meta::type_name("millrace::nodes_seen"), x.nodes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, suspects_changed& x) {
  return f(caf::meta::type_name("millrace::suspects_changed"), x.nodes);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_question& x) {
  return f(caf::meta::type_name("millrace::node_question"), x.topic);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_answer& x) {
  return f(caf::meta::type_name("millrace::node_answer"), x.node, x.text, x.problem);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, ask_nodes& x) {
  return f(caf::meta::type_name("millrace::ask_nodes"), x.node, x.question);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, nodes_answered& x) {
  return f(caf::meta::type_name("millrace::nodes_answered"), x.answers);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, read_file& x) {
  return f(caf::meta::type_name("millrace::read_file"), x.document_id, x.uri, x.offset, x.length);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, fetch_file& x) {
  return f(caf::meta::type_name("millrace::fetch_file"), x.document_id, x.uri, x.size);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, file_piece& x) {
  return f(caf::meta::type_name("millrace::file_piece"), x.bytes, x.version);
}

}  // namespace millrace
