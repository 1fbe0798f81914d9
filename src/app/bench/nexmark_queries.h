// The files of examples/nexmark, embedded in the program.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace penstock::app {

struct NexmarkFile {
  std::string_view name;  // without its .sql
  std::string_view sql;
};

std::span<const NexmarkFile> nexmark_files();

// The tables and views that the queries read.
std::string_view nexmark_tables();
// q0, q1, ..., cep-q0, ...
std::vector<std::string_view> nexmark_query_names();
// Of one of these.
std::string_view nexmark_query(std::string_view name);

}  // namespace penstock::app
