// The files that one sink writes, in each directory one after the other. Until it is published a file is hidden: its
// name begins with a dot, and ends with ".inprogress".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/env.h"

namespace penstock::connector {

// Not thread-safe. A commit is: append(), sync(), then the caller keeps state() durably, then publish(). After a crash
// between any two of them open() with the state that was kept last goes on there: what was appended later is cut off,
// and what was to be published is.
class PartFiles {
 public:
  struct Options {
    io::Env* env = nullptr;
    std::string directory;  // exists
    std::string suffix;     // ".json"
    std::string header;     // stands at the beginning of each file
    // So many directories within each other, below that one, have the files.
    size_t depth = 0;
    uint64_t roll_bytes = 0;
    int64_t roll_us = 0;
    int64_t roll_inactive_us = 0;
  };
  // Errors: kCorruption when a file that the state tells of is not there, or shorter than it was.
  static Result<std::unique_ptr<PartFiles>> open(Options options, const std::optional<std::string>& state);

  // Appends whole rows to the file of a directory, such as "a=1/b=2", which is made; empty: the one of the options.
  // Closes the file when it has become large enough.
  Status append(const std::string& directory, std::string_view rows);
  // Closes the files for which it is time; all of them.
  void roll_if_due();
  void roll();
  // When roll_if_due() may next do something, in monotonic time.
  std::optional<int64_t> next_roll_us() const;

  // Makes durable what was appended.
  Status sync();
  // What a successor must know, as of the last append().
  std::string state() const;
  // Gives the files that are closed their names, durably.
  Status publish();
  // Removes those that are not published.
  Status discard();

 private:
  struct Part {
    std::string directory;
    uint64_t number = 0;
    uint64_t bytes = 0;
    std::unique_ptr<io::File> file;
    bool dirty = false;
    int64_t begun_us = 0;
    int64_t appended_us = 0;
  };

  explicit PartFiles(Options options) : options_(std::move(options)) {}
  using Parts = std::map<std::string, Part>;

  Status recover(std::string_view state);
  Status reopen(Part part);
  // Files in the directory, and in those below it, that were begun after the state was kept.
  Status remove_unknown(const std::string& directory, size_t depth);
  Result<Part*> begin(const std::string& directory);
  // So that another file may be opened.
  Status make_room();
  // What is rolled and synced needs only its name.
  void close_synced();
  Parts::iterator roll(Parts::iterator part);
  int64_t roll_at_us(const Part& part) const;
  std::string path_in(const std::string& directory) const;
  std::string path(const Part& part) const;
  std::string hidden_name(uint64_t number) const;
  std::string hidden_path(const Part& part) const;

  const Options options_;
  std::string id_;  // of the sink, over restarts: no two write the same file
  uint64_t next_number_ = 0;
  Parts open_;                     // that rows go to, by directory
  std::vector<Part> closed_;       // to be published
  size_t synced_ = 0;              // so many of the closed ones are synced, and have no open file any more
  std::set<std::string> changed_;  // directories with names that are not synced
};

}  // namespace penstock::connector
