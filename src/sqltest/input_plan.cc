#include "sqltest/input_plan.h"

#include <utility>
#include <variant>

#include "sqltest/files.h"

namespace penstock::sqltest {

namespace {

constexpr int32_t kScatterPartitions = 3;
constexpr std::string_view kArrow = " =>";

Record record_of(const Input& input, const std::string& line) {
  Record record{.key = {}, .value = line, .timestamp_ms = input.timestamp_ms};
  if (!input.keyed) return record;
  const size_t arrow = line.find(kArrow);
  record.key = line.substr(0, arrow);
  record.value.reset();
  if (arrow == std::string::npos) return record;
  const std::string rest = line.substr(arrow + kArrow.size());
  if (rest.size() > 1) record.value = rest.substr(1);
  return record;
}

}  // namespace

Result<InputPlan> InputPlan::make(const TestFile& file, const Way& way, std::mt19937_64& random) {
  InputPlan plan;
  plan.topics_ = file.partitions();
  std::map<std::string, bool> scattered;
  for (const Step& step : file.steps) {
    const auto* input = std::get_if<Input>(&step.what);
    if (input == nullptr) continue;
    const bool free = way.scatters && !input->partition_given && !file.topics.contains(input->topic);
    auto [it, fresh] = scattered.try_emplace(input->topic, free);
    it->second = it->second && free;
  }
  for (const auto& [topic, free] : scattered) {
    if (free) plan.topics_[topic] = kScatterPartitions;
  }
  for (size_t i = 0; i < file.steps.size(); ++i) {
    if (std::holds_alternative<Advance>(file.steps[i].what)) ++plan.ticks_;
    const auto* input = std::get_if<Input>(&file.steps[i].what);
    if (input == nullptr) continue;
    std::vector<Piece>& pieces = plan.inputs_[i];
    const Lines lines = input->file.empty() ? input->lines : PENSTOCK_TRY(read_lines(input->file));
    for (const std::string& line : lines) {
      int32_t partition = input->partition;
      if (scattered[input->topic]) partition = static_cast<int32_t>(random() % kScatterPartitions);
      if (pieces.empty() || pieces.back().partition.second != partition) {
        pieces.push_back({.partition = {input->topic, partition}, .records = {}});
      }
      pieces.back().records.push_back(record_of(*input, line));
    }
  }
  return plan;
}

std::map<Partition, std::vector<Record>> InputPlan::all() const {
  std::map<Partition, std::vector<Record>> all;
  for (const auto& [step, pieces] : inputs_) {
    for (const Piece& piece : pieces) {
      std::vector<Record>& records = all[piece.partition];
      records.insert(records.end(), piece.records.begin(), piece.records.end());
    }
  }
  return all;
}

std::map<int32_t, int64_t> InputPlan::totals(const std::string& topic) const {
  std::map<int32_t, int64_t> totals;
  const auto it = topics_.find(topic);
  if (it == topics_.end()) return totals;
  for (int32_t partition = 0; partition < it->second; ++partition) totals[partition] = ticks_ + 1;
  for (const auto& [step, pieces] : inputs_) {
    for (const Piece& piece : pieces) {
      if (piece.partition.first == topic) totals[piece.partition.second] += static_cast<int64_t>(piece.records.size());
    }
  }
  return totals;
}

}  // namespace penstock::sqltest
