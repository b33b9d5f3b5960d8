#include "runtime/embedding/batcher.hpp"

#include <cassert>

#include "runtime/chunking/token_estimator.hpp"

namespace millrace {

void batcher::add(std::uint64_t job_id, std::vector<std::string> texts) {
  pending_inputs_ += texts.size();
  for (const auto& text : texts) pending_tokens_ += estimate_tokens(text);
  assert((jobs_.empty() || jobs_.rbegin()->first < job_id) && "ids ascend");
  auto& j = jobs_[job_id];
  j.id = job_id;
  j.embeddings.resize(texts.size());
  j.texts = std::move(texts);
  j.problem.code = ec::none;
}

bool batcher::full() const {
  return pending_inputs_ >= static_cast<std::size_t>(limits_.max_inputs) ||
         pending_tokens_ >= static_cast<std::uint64_t>(limits_.max_tokens);
}

batcher::batch batcher::next() {
  batch b;
  std::uint64_t tokens = 0;
  for (auto at = jobs_.lower_bound(first_waiting_); at != jobs_.end(); ++at) {
    auto& j = at->second;
    first_waiting_ = j.id;
    while (j.taken < j.texts.size()) {
      if (b.inputs.size() == static_cast<std::size_t>(limits_.max_inputs)) return b;
      const auto cost = estimate_tokens(j.texts[j.taken]);
      if (!b.inputs.empty() && tokens + cost > static_cast<std::uint64_t>(limits_.max_tokens))
        return b;
      tokens += cost;
      --pending_inputs_;
      pending_tokens_ -= cost;
      b.slots.push_back({j.id, j.taken});
      b.inputs.push_back(std::move(j.texts[j.taken++]));
    }
  }
  return b;
}

std::vector<batcher::job> batcher::answer(const batch& b, result<embedding_results> answers) {
  assert((!answers || answers->size() == b.slots.size()) && "a provider answers every input");
  std::vector<job> complete;
  for (std::size_t i = 0; i < b.slots.size(); ++i) {
    const auto found = jobs_.find(b.slots[i].job);
    if (found == jobs_.end()) continue;
    auto& j = found->second;
    ++j.answered;
    if (!answers || !(*answers)[i]) {
      if (j.problem.code == ec::none) j.problem = answers ? (*answers)[i].error() : answers.error();
    } else {
      j.embeddings[b.slots[i].index] = std::move(*(*answers)[i]);
    }
    if (j.answered < j.embeddings.size()) continue;
    complete.push_back(std::move(j));
    jobs_.erase(found);
  }
  return complete;
}

void batcher::forget(std::uint64_t job_id) {
  const auto found = jobs_.find(job_id);
  if (found == jobs_.end()) return;
  const auto& texts = found->second.texts;
  for (auto i = found->second.taken; i < texts.size(); ++i) {
    --pending_inputs_;
    pending_tokens_ -= estimate_tokens(texts[i]);
  }
  jobs_.erase(found);
}

}  // namespace millrace
