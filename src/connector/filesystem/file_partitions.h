// The partitions of a table of files, as its directories say, and the files that an INSERT OVERWRITE removes.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connector/connector.h"
#include "connector/filesystem/file_access.h"
#include "connector/sink.h"
#include "io/env.h"

namespace penstock::connector {

// By name; those with a file in them.
Result<std::vector<Partition>> list_file_partitions(const ConnectorContext& context, const TableDefinition& table);

// The files that there are before a sink that overwrites writes others. Used by one thread at a time.
class OverwrittenFiles {
 public:
  // `directory`: of the table, without links.
  static Result<OverwrittenFiles> find(const FileAccess& access, const std::string& directory,
                                       const SinkRequest& request);

  // Rows have gone to that directory of the table.
  void note_written(const std::string& directory) { written_.insert(directory); }
  // Removes those that the rows take the place of, durably.
  Status remove(io::Env& env) const;

 private:
  struct Old {
    std::string path;
    std::string directory;  // of the table, as a sink makes it: "year=2026"; empty: its own
  };

  std::vector<Old> files_;
  bool all_ = false;  // and not only those in directories that were written
  std::set<std::string> written_;
};

}  // namespace penstock::connector
