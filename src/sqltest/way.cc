#include "sqltest/way.h"

#include <algorithm>
#include <array>
#include <variant>

namespace penstock::sqltest {

namespace {

struct Kind {
  WayInfo info;
  Way way;
};

const std::array<Kind, 9>& kinds() {
  static const std::array<Kind, 9> kKinds{{
      {{"1-worker", "as it is written; goldens are written by it"}, {.name = "1-worker"}},
      {{"2-workers", "the same with two workers"}, {.name = "2-workers", .workers = 2}},
      {{"4-workers", "the same with four"}, {.name = "4-workers", .workers = 4}},
      {{"pieces", "inputs in random pieces, small batches, epochs that end anywhere, 1 to 4 workers"},
       {.name = "pieces", .seeded = true, .cuts = true}},
      {{"interleaved", "the inputs of all steps mixed, each partition in its order, in random pieces"},
       {.name = "interleaved", .seeded = true, .keeps_steps = false, .cuts = true}},
      {{"backlog", "all inputs are there before the first statement"},
       {.name = "backlog", .seeded = true, .keeps_steps = false, .backlog = true}},
      {{"scattered", "rows that name no partition go to any of three"},
       {.name = "scattered", .seeded = true, .keeps_steps = false, .cuts = true, .scatters = true}},
      {{"restarted", "stops and power failures on the way, each time another number of workers"},
       {.name = "restarted", .seeded = true, .keeps_steps = false, .cuts = true, .restarts = true}},
      {{"bounded", "streams as bounded queries over all the input, after 'end'"},
       {.name = "bounded", .keeps_steps = false, .backlog = true, .bounded = true}},
  }};
  return kKinds;
}

template <class Step>
bool has(const TestFile& file) {
  return std::ranges::any_of(file.steps, [](const auto& step) { return std::holds_alternative<Step>(step.what); });
}

bool has_input_to_scatter(const TestFile& file) {
  return std::ranges::any_of(file.steps, [&](const auto& step) {
    const auto* input = std::get_if<Input>(&step.what);
    return input != nullptr && !input->partition_given && !file.topics.contains(input->topic);
  });
}

// Whether the way can show anything that the ones before it have not.
bool is_useful(const Way& way, const TestFile& file) {
  if (way.name == "1-worker") return true;
  if (file.large_input && way.name != "4-workers" && !way.restarts && !way.bounded) return false;
  const bool inputs = has<Input>(file) || has<FileInput>(file);
  if (!has<Stream>(file) && !inputs) return false;
  if (way.keeps_steps) return true;
  // The clock is a step: how long a partition was idle depends on what came before.
  if (file.steps_only || has<Advance>(file) || !inputs) return false;
  // Files are written where they stand; what comes out of that in other ways is the same.
  if (!has<Input>(file) && !way.restarts && !way.bounded) return false;
  if (way.bounded) return file.has_end() && has<Stream>(file);
  // Before the end the watermark, the least of all partitions, says how the rows lie.
  return !way.scatters || (file.has_end() && has_input_to_scatter(file));
}

}  // namespace

std::vector<WayInfo> way_infos() {
  std::vector<WayInfo> infos;
  for (const Kind& kind : kinds()) infos.push_back(kind.info);
  return infos;
}

std::vector<Way> ways_of(const TestFile& file, const WayFilter& filter) {
  std::vector<Way> ways;
  for (const Kind& kind : kinds()) {
    if (!filter.name.empty() && filter.name != kind.way.name) continue;
    if (file.skipped_ways.contains(kind.way.name) || !is_useful(kind.way, file)) continue;
    Way way = kind.way;
    if (!way.seeded) {
      ways.push_back(way);
      continue;
    }
    const uint64_t first = filter.seed == 0 ? 1 : filter.seed;
    const int count = filter.seed == 0 && !file.large_input ? filter.seeds : 1;
    for (int i = 0; i < count; ++i) {
      way.seed = first + static_cast<uint64_t>(i);
      ways.push_back(way);
    }
  }
  return ways;
}

}  // namespace penstock::sqltest
