// What the Tab key offers: keywords, and the names of tables, views and columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::app {

class Completion {
 public:
  // The names that the server has told.
  void set_relations(std::vector<std::string> names) { relations_ = std::move(names); }
  void set_columns(std::vector<std::string> names) { columns_ = std::move(names); }

  // Candidates for the word that begins at `begin` in `line`: commands after a backslash, tables after FROM and its
  // like, else everything. Keywords take the case in which the word was begun.
  std::vector<std::string> candidates(std::string_view line, size_t begin) const;

 private:
  std::vector<std::string> relations_;
  std::vector<std::string> columns_;
};

}  // namespace penstock::app
