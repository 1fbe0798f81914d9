// What a query asks for twice is computed once: a table is scanned once for all who want rows of it, and equal
// operators over it are one node of the plan, which then has more than one reader.
//
// It also keeps the readers together. Two scans of a table run apart: what meets in a join waits for the slower one,
// and which of its rows are late depends on that.
#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

#include "catalog/partition.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

// Without the input that is read before the others: they would wait for each other at what they share.
std::vector<LogicalPtr> read_together(const LogicalNode& node) {
  std::vector<LogicalPtr> inputs = node.inputs;
  if (reads_last_input_first(node)) inputs.pop_back();
  return inputs;
}

// The node over other inputs of those.
LogicalPtr with_read_together(const LogicalPtr& node, std::vector<LogicalPtr> inputs) {
  inputs.insert(inputs.end(), node->inputs.begin() + static_cast<std::ptrdiff_t>(inputs.size()), node->inputs.end());
  return with_inputs(node, std::move(inputs));
}

// --- scans ---

// Whether conditions decide what is read at all, as those on the values of directories do.
bool is_pruned(const ScanSource& source) {
  return std::ranges::any_of(source.base, [](const ScanSource::BaseColumn& column) {
    return column.metadata_key && column.metadata_key->starts_with(catalog::kPartitionKey);
  });
}

// All that the scans of a table read, as one: where their conditions differ, the rows that any of them wants, which the
// readers filter again.
class SharedScan {
 public:
  explicit SharedScan(const LogicalScan& first) {
    scan_.source = first.source;
    scan_.window_ends = first.window_ends;
    scan_.written_at = first.written_at;
  }

  // False, and nothing is added, when the scan, which is of the same source, has a condition that keeps it apart.
  bool add(const LogicalScan& scan) {
    const ExprPtr filter = filter_of(scan);
    if (std::ranges::none_of(filters_, [&](const ExprPtr& known) { return same(known, filter); })) {
      const bool apart =
          is_pruned(*scan.source) || !is_repeatable(filter) || !std::ranges::all_of(filters_, is_repeatable);
      if (apart && !filters_.empty()) return false;
      filters_.push_back(filter);
    }
    for (const int column : scan.columns) insert(scan_.columns, column);
    for (const FieldPath& path : scan.fields) insert(scan_.fields, path);
    scan_.with_watermark = scan_.with_watermark || scan.with_watermark;
    const types::TimeZone* zone = scan_.window_ends.zone;
    if (zone == nullptr) zone = scan.window_ends.zone;
    if (scan.window_ends != scan_.window_ends) scan_.window_ends = {.zone = zone};  // all moments matter
    ++readers_;
    return true;
  }
  void finish() {
    if (readers_ < 2) return;
    std::vector<std::string> names;
    for (const int column : scan_.columns) names.push_back(scan_.source->schema[column].name);
    if (std::ranges::find(filters_, nullptr) == filters_.end()) {
      const ExprPtr any = filters_.size() == 1 ? filters_.front() : expr::Expr::logical_or(filters_);
      scan_.filter = expr::transform(any, [&](ExprPtr part) {
        if (part->kind() != expr::Expr::Kind::kColumn) return part;
        return expr::Expr::column(static_cast<size_t>(place_of(part->column_index())), part->type(),
                                  part->column_name());
      });
      scan_.filtered_again = filters_.size() > 1;
    }
    node_ = make_node(scan_, {}, std::move(names));
  }
  // What one of the scans that were added gives; null when it was the only one.
  LogicalPtr read_by(const LogicalScan& scan) const {
    if (node_ == nullptr) return nullptr;
    std::vector<int> columns;
    for (const int column : scan.columns) columns.push_back(place(scan_.columns, column));
    for (const FieldPath& path : scan.fields) {
      columns.push_back(static_cast<int>(scan_.columns.size()) + place(scan_.fields, path));
    }
    LogicalPtr selection = make_selection(node_, columns);
    if (filters_.size() == 1 || scan.filter == nullptr) return selection;
    std::vector<std::string> names = column_names(*selection);
    return make_node(Filter{scan.filter}, {std::move(selection)}, std::move(names));
  }

 private:
  static bool same(const ExprPtr& a, const ExprPtr& b) { return a == nullptr || b == nullptr ? a == b : a->equals(*b); }
  static bool is_repeatable(const ExprPtr& filter) { return filter == nullptr || filter->is_deterministic(); }
  template <class T>
  static void insert(std::vector<T>& sorted, const T& value) {
    const auto at = std::ranges::lower_bound(sorted, value);
    if (at == sorted.end() || *at != value) sorted.insert(at, value);
  }
  template <class T>
  static int place(const std::vector<T>& values, const T& value) {
    return static_cast<int>(std::ranges::find(values, value) - values.begin());
  }

  // The condition over the columns of the source, behind which are the fields as they have been met.
  ExprPtr filter_of(const LogicalScan& scan) {
    if (scan.filter == nullptr) return nullptr;
    std::vector<int> mapping = scan.columns;
    for (const FieldPath& path : scan.fields) {
      const int known = place(met_, path);
      if (known == static_cast<int>(met_.size())) met_.push_back(path);
      mapping.push_back(static_cast<int>(scan.source->schema.size()) + known);
    }
    return expr::remap_columns(scan.filter, mapping);
  }
  int place_of(size_t filter_column) const {
    const size_t columns = scan_.source->schema.size();
    if (filter_column < columns) return place(scan_.columns, static_cast<int>(filter_column));
    return static_cast<int>(scan_.columns.size()) + place(scan_.fields, met_[filter_column - columns]);
  }

  std::vector<FieldPath> met_;
  LogicalScan scan_;
  std::vector<ExprPtr> filters_;  // that differ; null: all rows
  int readers_ = 0;
  LogicalPtr node_;
};

bool is_deterministic(const LogicalScan& scan) {
  return std::ranges::all_of(scan.columns,
                             [&](int column) { return scan.source->columns[column]->is_deterministic(); });
}

using SharedScans = std::deque<SharedScan>;

class ScanSharing {
 public:
  explicit ScanSharing(const LogicalPtr& plan) {
    collect(plan);
    for (auto& [source, scans] : shared_) {
      for (SharedScan& scan : scans) scan.finish();
    }
  }

  LogicalPtr rewrite(const LogicalPtr& node) const {
    if (const auto* scan = node->get_if<LogicalScan>()) {
      const auto shared = of_scan_.find(node.get());
      if (shared == of_scan_.end()) return node;
      LogicalPtr read = shared_.at(scan->source.get())[shared->second].read_by(*scan);
      return read == nullptr ? node : read;
    }
    std::vector<LogicalPtr> inputs = read_together(*node);
    for (LogicalPtr& input : inputs) input = rewrite(input);
    return with_read_together(node, std::move(inputs));
  }

 private:
  void collect(const LogicalPtr& node) {
    for (const LogicalPtr& input : read_together(*node)) collect(input);
    const auto* scan = node->get_if<LogicalScan>();
    if (scan == nullptr || scan->source->kind != ScanSource::Kind::kTable || !is_deterministic(*scan)) return;
    SharedScans& scans = shared_[scan->source.get()];
    size_t number = 0;
    while (number < scans.size() && !scans[number].add(*scan)) ++number;
    if (number == scans.size()) scans.emplace_back(*scan).add(*scan);
    of_scan_[node.get()] = number;
  }

  std::map<const ScanSource*, SharedScans> shared_;
  std::unordered_map<const LogicalNode*, size_t> of_scan_;  // which one of its source
};

// --- operators over them ---

bool same(const std::vector<ExprPtr>& a, const std::vector<ExprPtr>& b) {
  return std::ranges::equal(
      a, b, [](const ExprPtr& one, const ExprPtr& other) { return one->is_deterministic() && one->equals(*other); });
}
bool same(const AggregateCall& a, const AggregateCall& b) {
  return a.function.same_call(b.function) && a.function.result_type == b.function.result_type &&
         a.argument == b.argument && a.filter == b.filter && a.distinct == b.distinct;
}
bool same(const std::vector<AggregateCall>& a, const std::vector<AggregateCall>& b) {
  return std::ranges::equal(a, b,
                            [](const AggregateCall& one, const AggregateCall& other) { return same(one, other); });
}

// Whether operators over the same input give the same rows. Those that are not named here are taken to differ.
bool same(const Project& a, const Project& b) { return same(a.expressions, b.expressions); }
bool same(const Filter& a, const Filter& b) {
  return a.predicate->is_deterministic() && a.predicate->equals(*b.predicate);
}
bool same(const AssignWindow& a, const AssignWindow& b) {
  return a.window == b.window && a.time_column == b.time_column && a.keys == b.keys;
}
bool same(const Aggregate& a, const Aggregate& b) {
  return a.keys == b.keys && a.input_append_only == b.input_append_only && a.ttl_us == b.ttl_us &&
         same(a.calls, b.calls);
}
bool same(const WindowAggregate& a, const WindowAggregate& b) {
  return a.window == b.window && a.time_column == b.time_column && a.attached == b.attached && a.keys == b.keys &&
         a.properties == b.properties && same(a.calls, b.calls);
}
template <class Op>
bool same(const Op& /*a*/, const Op& /*b*/) {
  return false;
}

bool same_operator(const LogicalNode& a, const LogicalNode& b) {
  if (a.op.index() != b.op.index()) return false;
  return std::visit([&]<class Op>(const Op& op) { return same(op, std::get<Op>(b.op)); }, a.op);
}

// Gives equal subplans as one node.
class NodeSharing {
 public:
  LogicalPtr rewrite(const LogicalPtr& node) {
    std::vector<LogicalPtr> inputs = read_together(*node);
    for (LogicalPtr& input : inputs) input = rewrite(input);
    LogicalPtr rewritten = with_read_together(node, std::move(inputs));
    if (rewritten->inputs.size() != 1) return rewritten;
    std::vector<LogicalPtr>& readers = readers_[rewritten->inputs.front().get()];
    for (const LogicalPtr& reader : readers) {
      if (same_operator(*reader, *rewritten)) return reader;
    }
    readers.push_back(rewritten);
    return rewritten;
  }

 private:
  std::unordered_map<const LogicalNode*, std::vector<LogicalPtr>> readers_;  // of each node with one input
};

}  // namespace

LogicalPtr share_subplans(const LogicalPtr& plan, const RuleContext& context) {
  const LogicalPtr shared = ScanSharing(plan).rewrite(plan);
  if (shared == plan) return plan;
  return NodeSharing().rewrite(merge_projections(shared, context));
}

}  // namespace penstock::plan
