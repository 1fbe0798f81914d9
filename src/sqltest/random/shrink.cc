#include "sqltest/random/shrink.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace penstock::sqltest {

namespace {

class Shrinker {
 public:
  Shrinker(Shrunk best, const RunScenario& run, int runs_max)
      : best_(std::move(best)), run_(run), runs_left_(runs_max) {}

  Shrunk shrink() {
    cut_behind();
    plainly_run();
    for (bool smaller = true; smaller && runs_left_ > 0;) {
      smaller = false;
      smaller |= drop_steps();
      smaller |= simplify_queries();
      smaller |= drop_rows();
    }
    return std::move(best_);
  }

 private:
  // Keeps the candidate when it fails as the best one does.
  bool keep(Scenario candidate) {
    if (runs_left_ <= 0) return false;
    --runs_left_;
    RandomOutcome outcome = run_(candidate);
    if (outcome.verdict != best_.outcome.verdict) return false;
    best_ = {.scenario = std::move(candidate), .outcome = std::move(outcome)};
    return true;
  }

  void cut_behind() {
    Scenario candidate = best_.scenario;
    const size_t steps = std::min(best_.outcome.step + 1, candidate.steps.size());
    candidate.steps.resize(steps);
    keep(std::move(candidate));
  }

  void plainly_run() {
    Scenario candidate = best_.scenario;
    candidate.workers = 1;
    candidate.batch_rows_max = 2048;
    keep(candidate);
  }

  // In halves, then in smaller pieces.
  template <typename Drop>
  bool drop_pieces(size_t size, const Drop& drop) {
    bool smaller = false;
    for (size_t piece = std::max<size_t>(1, size / 2); piece > 0; piece /= 2) {
      for (size_t at = 0; at < size;) {
        if (drop(at, std::min(piece, size - at))) {
          size -= std::min(piece, size - at);
          smaller = true;
        } else {
          at += piece;
        }
      }
    }
    return smaller;
  }

  bool drop_steps() {
    return drop_pieces(best_.scenario.steps.size(), [&](size_t at, size_t count) {
      Scenario candidate = best_.scenario;
      candidate.steps.erase(candidate.steps.begin() + static_cast<ptrdiff_t>(at),
                            candidate.steps.begin() + static_cast<ptrdiff_t>(at + count));
      return keep(std::move(candidate));
    });
  }

  bool drop_rows() {
    bool smaller = false;
    for (size_t s = 0; s < best_.scenario.steps.size(); ++s) {
      const auto* rows = std::get_if<NewRows>(&best_.scenario.steps[s]);
      if (rows == nullptr) continue;
      smaller |= drop_pieces(rows->rows.size(), [&](size_t at, size_t count) {
        Scenario candidate = best_.scenario;
        NewRows& fewer = std::get<NewRows>(candidate.steps[s]);
        const auto erase = [&](auto& from) {
          if (from.empty()) return;
          from.erase(from.begin() + static_cast<ptrdiff_t>(at), from.begin() + static_cast<ptrdiff_t>(at + count));
        };
        if (fewer.rows.size() <= count) return false;  // a step's matter
        erase(fewer.rows);
        erase(fewer.lines);
        return keep(std::move(candidate));
      });
    }
    return smaller;
  }

  bool is_created(size_t view) const {
    return std::ranges::any_of(best_.scenario.steps, [&](const RandomStep& step) {
      const auto* create = std::get_if<CreateRandomView>(&step);
      return create != nullptr && create->view == view;
    });
  }

  bool simplify_queries() {
    bool smaller = false;
    for (size_t v = 0; v < best_.scenario.views.size(); ++v) {
      if (!is_created(v)) continue;
      smaller |= drop_pieces(best_.scenario.views[v].choices.size(), [&](size_t at, size_t count) {
        Scenario candidate = best_.scenario;
        std::vector<uint32_t>& choices = candidate.views[v].choices;
        choices.erase(choices.begin() + static_cast<ptrdiff_t>(at),
                      choices.begin() + static_cast<ptrdiff_t>(at + count));
        if (!same_queries(candidate)) return keep(std::move(candidate));
        best_.scenario = std::move(candidate);
        return true;
      });
      for (size_t c = 0; c < best_.scenario.views[v].choices.size(); ++c) {
        if (best_.scenario.views[v].choices[c] == 0) continue;
        Scenario candidate = best_.scenario;
        candidate.views[v].choices[c] = 0;
        if (!same_queries(candidate)) smaller |= keep(std::move(candidate));
      }
    }
    return smaller;
  }

  bool same_queries(const Scenario& candidate) const {
    const auto before = best_.scenario.queries();
    const auto after = candidate.queries();
    return before && after && std::ranges::equal(*before, *after, [](const auto& a, const auto& b) {
             return a.first == b.first && a.second.text == b.second.text;
           });
  }

  Shrunk best_;
  const RunScenario& run_;
  int runs_left_;
};

}  // namespace

Shrunk shrink(Scenario scenario, RandomOutcome outcome, const RunScenario& run, int runs_max) {
  return Shrinker({.scenario = std::move(scenario), .outcome = std::move(outcome)}, run, runs_max).shrink();
}

}  // namespace penstock::sqltest
