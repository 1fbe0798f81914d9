// What comes in: the records of every input of a file, and the partitions that they go to.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sqltest/instance.h"
#include "sqltest/test_file.h"
#include "sqltest/way.h"

namespace penstock::sqltest {

using Partition = std::pair<std::string, int32_t>;  // topic, number

// Records of one partition that lie next to each other in an input.
struct Piece {
  Partition partition;
  std::vector<Record> records;
};

class InputPlan {
 public:
  static Result<InputPlan> make(const TestFile& file, const Way& way, std::mt19937_64& random);

  const std::map<std::string, int32_t>& topics() const { return topics_; }  // with their partitions
  // The records of the input at that step, in their order.
  const std::vector<Piece>& input(size_t step) const { return inputs_.at(step); }
  // Every record of the file, by partition.
  std::map<Partition, std::vector<Record>> all() const;
  // How many records each partition of a topic will have got when the inputs have ended: those of the inputs, those
  // that the clock's steps add, and one that says that it is the end.
  std::map<int32_t, int64_t> totals(const std::string& topic) const;

 private:
  std::map<std::string, int32_t> topics_;
  std::map<size_t, std::vector<Piece>> inputs_;  // by number of the step
  int64_t ticks_ = 0;
};

}  // namespace penstock::sqltest
