// Lowers a physical plan to the fragments of a job. One lower_*.cc per family of operators; private to the module.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connector/watermark_alignment.h"
#include "engine/job_graph.h"
#include "exec/job.h"
#include "exec/operators/accumulators.h"
#include "exec/operators/expression_context.h"
#include "exec/operators/sort_key.h"
#include "exec/operators/state_ttl.h"
#include "plan/physical.h"
#include "types/type.h"

namespace penstock::engine {

// Builds a graph from the leaves of a plan up. Used once.
class GraphBuilder {
 public:
  explicit GraphBuilder(const GraphContext& context)
      : context_(context), alignment_(std::make_shared<connector::AlignmentGroups>()) {}

  Result<JobGraph> build(const plan::PhysicalNode& root);

 private:
  // The fragment whose chain gives the node's rows.
  Result<int> lower(const plan::PhysicalNode& node);

  using OperatorFactory = std::function<Result<std::unique_ptr<exec::Operator>>(int instance)>;
  using SourceFactory = std::function<Result<std::unique_ptr<exec::Source>>(int instance)>;

  // --- one per kind of operator ---
  // lower_scan.cc
  Result<int> lower(const plan::PhysicalNode& node, const plan::ScanTable& scan);
  Result<int> lower(const plan::PhysicalNode& node, const plan::ScanView& scan);
  Result<int> lower_change_scan(const plan::PhysicalNode& node, const plan::ScanView& scan);
  Result<int> lower(const plan::PhysicalNode& node, const plan::ScanSystem& scan);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Values& values);
  // lower_rows.cc
  Result<int> lower(const plan::PhysicalNode& node, const plan::Normalize& normalize);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Project& project);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Filter& filter);
  Result<int> lower(const plan::PhysicalNode& node, const plan::ClockFilter& filter);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Unnest& unnest);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Sort& sort);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Rank& rank);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Deduplicate& first);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Over& over);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Limit& limit);
  Result<int> lower(const plan::PhysicalNode& node, const plan::UnionAll& op);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Emit& emit);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Exchange& exchange);
  // lower_recursion.cc
  Result<int> lower(const plan::PhysicalNode& node, const plan::Recursion& recursion);
  Result<int> lower(const plan::PhysicalNode& node, const plan::RecursionScan& scan);
  // lower_match.cc
  Result<int> lower(const plan::PhysicalNode& node, const plan::Match& match);
  // lower_aggregate.cc
  Result<int> lower(const plan::PhysicalNode& node, const plan::ProcessingTime& time);
  Result<int> lower(const plan::PhysicalNode& node, const plan::AssignWindow& assign);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Expand& expand);
  Result<int> lower(const plan::PhysicalNode& node, const plan::Aggregate& aggregate);
  Result<int> lower(const plan::PhysicalNode& node, const plan::WindowAggregate& aggregate);

  // lower_join.cc
  Result<int> lower(const plan::PhysicalNode& node, const plan::Join& join);
  Result<int> lower_interval_join(const plan::PhysicalNode& node, const plan::Join& join);
  Result<int> lower_temporal_join(const plan::PhysicalNode& node, const plan::Join& join);
  Result<int> lower_lookup_join(const plan::PhysicalNode& node, const plan::Join& join);
  // Says of the sources that a fragment reads that they are loaded.
  void mark_loading(int fragment);

  // --- what they share ---
  // Where the rows of a scan begin, and, of a job that first builds its state again, where they stop meanwhile.
  struct Places {
    connector::Positions start;
    std::optional<connector::ScanHold> hold;
  };
  Places places(const plan::PhysicalNode& scan, const ScanPlace& place) const;
  int add_source(const plan::PhysicalNode& node, std::string name, int parallelism, SourceFactory source);
  int add_fragment(const plan::PhysicalNode& node, std::string name, int parallelism,
                   std::vector<exec::EdgeSpec> inputs);
  // Puts an operator behind the node's only input.
  Result<int> append(const plan::PhysicalNode& node, OperatorFactory factory);
  // The same, its input being lowered already. Gives the fragment that the operator is in: a new one where others read
  // the input, too.
  int append_to(int fragment, const plan::PhysicalNode& node, OperatorFactory factory);
  // The edge by which the rows of an input come: an exchange becomes one, all else goes to a single task.
  Result<exec::EdgeSpec> edge_from(const plan::PhysicalNode& input);
  // A fragment where the node's two inputs meet in an operator.
  Result<int> add_pair(const plan::PhysicalNode& node, std::string name, OperatorFactory factory);
  // The same, the inputs being lowered already.
  int add_pair(const plan::PhysicalNode& node, std::string name, std::vector<exec::EdgeSpec> edges,
               OperatorFactory factory);
  Result<std::vector<exec::EdgeSpec>> edges_from_inputs(const plan::PhysicalNode& node);
  // Where an operator's late rows go: they have these columns, one of which is their time, or of windows in a zone the
  // local one.
  exec::LateOutput late_output(std::string name, const types::Schema& schema, int time_column,
                               const types::TimeZone* zone = nullptr, bool only_window_end = false) const;
  exec::FragmentSpec& at(int fragment) { return graph_.fragments[static_cast<size_t>(fragment)]; }
  exec::StateTtl ttl(std::optional<int64_t> us) const { return {.us = us.value_or(0), .now_us = context_.now_us}; }
  // For the expressions of a node over rows with these columns.
  exec::ExpressionContext expressions(const plan::PhysicalNode& node, const types::Schema& schema) const;

  const GraphContext& context_;
  JobGraph graph_;
  std::map<const plan::PhysicalNode*, int> readers_;  // how many nodes have it as an input
  std::map<const plan::PhysicalNode*, int> shared_;   // the fragments of those with more than one
  RowUses uses_;
  int scans_ = 0;      // of tables, so far
  ScanPlaces places_;  // of those made so far
  // Of the scans so far; null while one is lowered that is read to its end before others are read.
  std::shared_ptr<connector::AlignmentGroups> alignment_;
};

// The schema of the node's first input.
inline const types::Schema& input_schema(const plan::PhysicalNode& node) { return node.inputs[0]->schema; }
std::vector<exec::SortKey> to_exec(const std::vector<plan::SortKey>& keys);
std::vector<exec::AggregateCall> to_exec(const std::vector<plan::AggregateCall>& calls);

}  // namespace penstock::engine
