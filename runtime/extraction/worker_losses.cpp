// What becomes of a process that crashed, hangs or wants too much, and of the document that it was
// on.
#include <algorithm>
#include <csignal>

#include "config/load.hpp"
#include "runtime/extraction/worker.hpp"

namespace millrace::extraction {

namespace {

using namespace std::chrono_literals;

constexpr auto retire_grace = 2s;

/// "on page or part 7": where a document lost its processes, to follow what they did.
std::string place_behind(std::uint32_t pages, std::uint32_t pages_in_all) {
  if (pages == 0) return "on this document, before a page or part of it was finished";
  if (pages_in_all > 0 && pages >= pages_in_all) return "behind its last page";
  return "on page or part " + std::to_string(pages + 1);
}

const char* advice(ec code) {
  switch (code) {
    case ec::extraction_timeout:
      return "; raise extraction.timeout if the document is worth the wait";
    case ec::extraction_memory:
      return "; raise extraction.memory_large (and memory_budget) or split the document";
    case ec::extraction_killed:
      return "; see whether the machine runs out of memory (the kernel's log names what it killed "
             "then), or who ends its processes";
    default:
      return "";
  }
}

}  // namespace

void worker::lose_process(cause why, const std::string& detail) {
  const auto end = process_->end(why == cause::ended ? retire_grace : 0s);
  why = cause_of(why, end);
  count(why);
  const auto reason = describe(why, end, detail);
  const auto had = keep_finished_pages();
  forget_process();

  auto blamed = end_due().document;
  if (is_tried_again(blamed, why, had))
    suspect_ = std::move(blamed);
  else
    give_up(blamed, reason);
  std::vector<waiting_document> again;
  for (auto& held : in_flight_) again.push_back(std::move(held.document));
  in_flight_.clear();
  give_back(std::move(again));
}

worker::cause worker::cause_of(cause why, const process_end& end) {
  if (why != cause::ended || end.killed_here) return why;
  if (end.signal == 0 && end.exit_code == memory_exit_code) return cause::memory;
  if (end.signal == SIGXCPU) return cause::timeout;
  return end.is_from_outside() ? cause::killed : cause::ended;
}

void worker::count(cause why) {
  auto& stats = pool_.shared.stats;
  auto& counter = why == cause::timeout  ? stats.kills_timeout
                  : why == cause::memory ? stats.kills_memory
                                         : stats.crashes;
  ++counter;
}

/// The beginning of a sentence that give_up() ends.
error worker::describe(cause why, const process_end& end, const std::string& detail) const {
  const auto& s = pool_.config.settings;
  switch (why) {
    case cause::timeout:
      return {ec::extraction_timeout,
              "the parser needed more than " + to_string(s.timeout) + " and was stopped"};
    case cause::memory:
      return {ec::extraction_memory, "the parser needs more than " +
                                         to_string(byte_size{pool_.tiers.cap(tier_)}) +
                                         " of memory"};
    case cause::garbage:
      return {ec::extraction_crashed, "the parser answered with nonsense: " + detail + ","};
    case cause::killed:
      return {ec::extraction_killed, "the parser was killed from outside " +
                                         std::to_string(loss_record::max_outside_kills) +
                                         " times, the last time"};
    case cause::ended:
      break;
  }
  return {ec::extraction_crashed, "the parser " + end.to_string()};
}

/// What the process told of the document that is due stays with the document.
lost_try worker::keep_finished_pages() {
  auto& document = in_flight_.front().document;
  lost_try t{.known = document.known_pages()};
  t.finished = std::max(t.known, pages_);
  t.read_for = last_sign_ - due_since_;
  if (!decoder_) return t;
  hand_over(pieces_.rest(decoder_->elements()));
  if (const auto& who = pieces_.who()) {
    auto elements = decoder_->take_elements();
    elements.resize(std::min(elements.size(), pieces_.element_count()));
    document.lost().kept.keep(*who, pieces_.pages(), std::move(elements));
  }
  return t;
}

bool worker::is_tried_again(waiting_document& blamed, cause why, const lost_try& t) {
  const auto attempts = pool_.config.settings.crash_attempts;
  auto& losses = blamed.lost().losses;
  switch (why) {
    case cause::memory:
      if (const auto higher = pool_.tiers.above(tier_)) {
        ++pool_.shared.stats.escalations;
        blamed.min_tier = *higher;
        losses.note_escalation(t);
        return true;
      }
      return losses.note(loss::memory, t, attempts);
    case cause::timeout:
      return losses.note(loss::timeout, t, attempts);
    case cause::killed:
      return losses.note(loss::killed, t, attempts);
    case cause::ended:
    case cause::garbage:
      break;
  }
  return losses.note(loss::crash, t, attempts);
}

/// What was read of it is its answer; an error only if that is nothing, or if the document is not
/// to blame and has not ended.
void worker::give_up(waiting_document& blamed, const error& reason) {
  auto& kept = blamed.lost().kept;
  const auto pages = kept.pages();
  const auto what =
      reason.message + " " + place_behind(pages, kept.pages_in_all()) + advice(reason.code);
  if (kind_of(reason.code) != error_kind::document) return refuse(blamed, {reason.code, what});
  auto rest =
      std::move(kept).as_document({ec::partly_read, "only the first " + std::to_string(pages) +
                                                        " pages or parts were read: " + what});
  if (!rest) return refuse(blamed, {reason.code, what});
  rest->version = blamed.version;
  ++pool_.shared.stats.documents;
  blamed.done(std::move(*rest));
}

}  // namespace millrace::extraction
