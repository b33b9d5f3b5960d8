// Hands pieces of submitted files of this node to nodes that work on them (submitted_files.hpp).
// Detached: it reads disks and asks the database.
#pragma once

#include "actors/actors.hpp"
#include "actors/bounded_actor.hpp"
#include "runtime/cluster/submitted_files.hpp"

namespace millrace {

class file_reader_actor_impl : public bounded_actor<file_reader_actor> {
 public:
  file_reader_actor_impl(caf::actor_config& config, actor_place place,
                         std::shared_ptr<submitted_files> files)
      : bounded_actor{config, std::move(place)}, files_{std::move(files)} {}

  behavior_type make_behavior() override {
    return {[this](const read_file& m) -> caf::result<file_piece> {
      auto piece =
          files_->read(m.document_id, m.uri, m.offset, std::min(m.length, read_file::max_piece));
      if (!piece) return to_caf(piece.error());
      return file_piece{std::move(piece->bytes), piece->version};
    }};
  }

 private:
  std::shared_ptr<submitted_files> files_;
};

}  // namespace millrace
