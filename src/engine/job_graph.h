// From a physical plan to the fragments of a job.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "catalog/entry.h"
#include "connector/scan.h"
#include "engine/engine.h"
#include "engine/job_positions.h"
#include "engine/late_rows.h"
#include "exec/failed_rows.h"
#include "exec/job.h"
#include "exec/operators/not_null.h"
#include "plan/physical.h"
#include "view/view.h"

namespace penstock::catalog {
class Catalog;
}

namespace penstock::engine {

class NativeTable;

struct GraphContext {
  const catalog::Catalog* catalog = nullptr;
  connector::ConnectorContext connectors;
  std::function<std::shared_ptr<view::View>(const std::string& name)> find_view;
  std::function<Result<std::shared_ptr<NativeTable>>(const std::string& name)> find_native_table;
  std::function<std::shared_ptr<const SystemTable>(const std::string& name)> find_system_table;
  bool bounded = false;  // read everything as of now, on one task
  int parallelism = 1;
  std::function<int64_t()> now_us;
  std::function<int64_t()> processing_time_us;   // where it is not now_us
  std::function<int64_t(Epoch)> epoch_clock_us;  // of conditions on the clock, where it is not now_us
  Counter* late_dropped = nullptr;
  // Keeps the rows that an operator drops; null: nobody does.
  std::function<std::shared_ptr<exec::LateRows>(LateRowsOptions)> keep_late_rows;
  // Takes the rows that an operator, called so, could not compute; null: the first one ends the query.
  std::function<std::shared_ptr<exec::FailedRows>(std::string op, const types::Schema& schema)> keep_failed_rows;
  Counter* too_far_ahead = nullptr;
  // The job keeps the positions of its scans: it reads the changes of native tables in the log, where these are.
  bool keeps_positions = false;
  // Where the job's scans of tables begin, and where they wait for ScanProgress::release().
  connector::Positions start;
  std::optional<connector::Positions> hold;
  // Takes the place of options of the tables: see fix_scan_options().
  catalog::Options scan_options;
};

class ViewProgress;

struct JobScan {
  ScanPlace place;
  std::shared_ptr<connector::ScanProgress> progress;
};

struct JobGraph {
  std::vector<exec::FragmentSpec> fragments;  // the last one gives the result; its chain takes the sink
  std::vector<JobScan> scans;
  std::vector<std::shared_ptr<ViewProgress>> view_scans;
  // Of the step of a recursive query: for each fragment which port gives its rows; -1, also where they end: none.
  std::vector<int> step_ports;
};

// Whether rows come and go by the clock alone.
bool follows_clock(const plan::PhysicalNode& root);

Result<JobGraph> build_graph(const plan::PhysicalNode& root, const GraphContext& context);

// Puts an operator behind the others that looks at the NOT NULL columns of the table which the rows are written to.
void append_not_null(exec::FragmentSpec& fragment, exec::NotNullOptions options);

// What options of the plan's tables that tell of the moment ('latest-offset') mean now, for a job that has to begin and
// end at the same places whenever it is started. Each key begins with the number of the scan in the plan:
// "0.scan.startup.mode". With `defaults` for the tables that know these options and do not say them.
Result<catalog::Options> fix_scan_options(const plan::PhysicalNode& root, const GraphContext& context,
                                          const catalog::Options& defaults);

// The options of a table, as the hints of a scan have them.
connector::OptionMap scan_options(const catalog::Table& table, const plan::ScanTable& scan);
// Whether the plan keeps state that a restarted job has to build again.
bool has_state(const plan::PhysicalNode& root);
// What a restarted job needs of the rows that it had read, by the nodes that give them.
struct RowUses {
  // Some operator keeps them on their way to the result: they have to be read again. What looks rows up keeps only
  // those of the table.
  std::set<const plan::PhysicalNode*> kept;
  // They go into the result: none beyond those may come before all state is there. What is only looked up does not.
  std::set<const plan::PhysicalNode*> in_result;
};
RowUses uses_of_rows(const plan::PhysicalNode& root);
// Whether everything that the plan reads has an end by itself: rows in the query, and tables such as a file that is not
// followed.
// `tables_end`: so have tables that are read as they are now, native ones.
Result<bool> has_end(const plan::PhysicalNode& root, const catalog::Catalog& catalog, bool tables_end);
// The least time between two emissions of its result, as EMIT EVERY says; 0: none.
int64_t emit_interval_us(const plan::PhysicalNode& root);
// Whether an operator of it keeps state only for a time: a row for which it was kept is not taken back later.
bool forgets_state(const plan::PhysicalNode& root);
// Whether it has windows over the time of processing.
bool reads_clock(const plan::PhysicalNode& root);
// Whether it reads a native table, or a materialized view where that does not stand for its query.
bool reads_view(const plan::PhysicalNode& root);
// Whether it reads a table of the program itself.
bool reads_system_table(const plan::PhysicalNode& root);

}  // namespace penstock::engine
